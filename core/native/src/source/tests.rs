use super::*;

fn file_with(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.js");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

fn numbered(count: usize) -> String {
    (1..=count).map(|n| format!("line {n}\n")).collect()
}

#[test]
fn five_lines_each_side() {
    let (_dir, path) = file_with(&numbered(20));
    let lines = SourceReader::default().read(&path, 10).unwrap();
    assert_eq!(
        lines.pre,
        ["line 5", "line 6", "line 7", "line 8", "line 9"]
    );
    assert_eq!(lines.line, "line 10");
    assert_eq!(
        lines.post,
        ["line 11", "line 12", "line 13", "line 14", "line 15"]
    );
}

#[test]
fn edges_of_the_file_give_fewer_lines() {
    let (_dir, path) = file_with("one\r\ntwo\r\nthree\r\n");
    let mut reader = SourceReader::default();
    let first = reader.read(&path, 1).unwrap();
    assert_eq!(
        (first.pre.len(), first.line.as_str(), first.post),
        (0, "one", vec!["two".to_owned(), "three".to_owned()])
    );
    let last = reader.read(&path, 3).unwrap();
    assert_eq!((last.line.as_str(), last.post.len()), ("three", 0));
    assert_eq!(reader.read(&path, 0), None);
    assert_eq!(reader.read(&path, 5), None);
}

#[test]
fn the_line_comes_whole_and_its_neighbours_are_cut() {
    let long = "é;".repeat(5000);
    let (_dir, path) = file_with(&format!("{long}\n{long}\n{long}"));
    let lines = SourceReader::default().read(&path, 2).unwrap();
    assert_eq!(lines.line, long);
    assert!(lines.pre[0].len() <= MAX_NEIGHBOUR_BYTES + 3 && lines.post[0].starts_with("é;é;"));
}

#[test]
fn file_urls_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a b.mjs"), "x\n").unwrap();
    let url = format!("file://{}/a%20b.mjs?v=1", dir.path().to_str().unwrap());
    assert_eq!(SourceReader::default().read(&url, 1).unwrap().line, "x");
}

#[test]
fn what_is_not_a_source_file_is_not_read() {
    let mut reader = SourceReader::default();
    for path in [
        "app.js",
        "node:internal/process",
        "https://host/app.js",
        "/no/such/file.js",
        "/proc/self/environ",
        "/dev/zero",
    ] {
        assert_eq!(reader.read(path, 1), None, "{path}");
    }
    let dir = tempfile::tempdir().unwrap();
    for name in [".env", "server.pem"] {
        let path = dir.path().join(name);
        std::fs::write(&path, "SECRET=1\n").unwrap();
        assert_eq!(reader.read(path.to_str().unwrap(), 1), None, "{name}");
    }
    let (_dir, binary) = file_with("\0\0\0ELF\n");
    assert_eq!(reader.read(&binary, 1), None);
    let (_dir, huge) = file_with(&"x".repeat(MAX_FILE_BYTES as usize + 1));
    assert_eq!(reader.read(&huge, 1), None);
    assert_eq!(
        reader.read(dir.path().to_str().unwrap(), 1),
        None,
        "a directory"
    );
}

#[cfg(unix)]
#[test]
fn a_fifo_is_never_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe.js");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: `name` is a valid C string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    // Without the check this would wait for a writer for ever, and the test run with it.
    assert_eq!(
        SourceReader::default().read(path.to_str().unwrap(), 1),
        None
    );
}

#[test]
fn answers_are_remembered_within_the_budget() {
    let (_dir, path) = file_with(&numbered(20_000));
    let mut reader = SourceReader::default();
    let before = reader.read(&path, 10);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(reader.read(&path, 10), before);
    for line in 0..20_000 {
        reader.read(&path, line);
        assert!(reader.bytes <= CACHE_BYTES);
    }
    assert!(
        reader.bytes > CACHE_BYTES / 4,
        "the budget is used: {}",
        reader.bytes
    );
}
