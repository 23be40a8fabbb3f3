//! Names that stay the same from release to release: of types, functions and files.

use super::text;
use crate::json::Object;

/// The last part of a type: `java.lang.NullPointerException`, `*json.SyntaxError`, `Batch$BatchException`.
pub(super) fn short_type(type_: &str) -> &str {
    type_
        .rsplit(['.', ':', '$', '*', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or(type_)
}

/// Whether a language runtime throws this type itself.
pub(super) fn is_runtime_type(type_: &str) -> bool {
    RUNTIME_TYPES.contains(&type_) || RUNTIME_PARTS.iter().any(|part| type_.contains(part))
}

/// Whether the type means that the stack was exhausted.
pub(super) fn is_recursion(type_: &str) -> bool {
    type_ == "RecursionError" || type_.contains("StackOverflow")
}

/// The function without what compilers, bundlers and call styles add: `async Cart.total [as sum]`, `lambda$onPool$0`,
/// `gateway::jobs::each::{{closure}}`, `(*Store).Get`, `spawn.func1`, `<Map<I, F> as Iterator>::fold`. `?` for anonymous ones.
pub(super) fn function_name(frame: &Object<'_>) -> String {
    let raw = text(frame.get("function")).unwrap_or_default();
    if raw.ends_with("<anonymous>") {
        return "?".to_owned();
    }
    let plain = without_brackets(raw);
    let plain = plain.split(" [as ").next().unwrap_or_default();
    let name = plain
        .split(['.', ':', '/', '#', '$', ' ', '(', ')', '*'])
        .map(str::trim)
        .rev()
        .find(|part| is_name(part));
    match name {
        Some(name) if !ANONYMOUS.contains(&name) => name.to_owned(),
        _ => "?".to_owned(),
    }
}

/// Numbers and `func1` are what a compiler calls a closure.
fn is_name(part: &str) -> bool {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !part.is_empty()
        && !number(part)
        && !part
            .strip_prefix("func")
            .is_some_and(|rest| !rest.is_empty() && number(rest))
}

/// Removes `<...>` and `{...}` with what is in them.
fn without_brackets(name: &str) -> String {
    let mut depth = 0usize;
    let mut plain = String::with_capacity(name.len());
    for char in name.chars() {
        match char {
            '<' | '{' => depth += 1,
            '>' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(char),
            _ => {}
        }
    }
    plain
}

/// Whether the frame is the constructor of the error that was thrown.
pub(super) fn constructs(frame: &Object<'_>, type_: &str) -> bool {
    let raw = text(frame.get("function")).unwrap_or_default();
    let last = raw.rsplit(['.', ':', ' ']).next().unwrap_or_default();
    raw.starts_with("new ")
        || matches!(last, "<init>" | "__init__" | "constructor")
        || !type_.is_empty() && function_name(frame) == type_
}

/// The file's name without folders, ending, and the hash of a build: `./src/cart.js` and `cart.8f3c2a1b.min.js` are `cart`.
pub(super) fn file_name(frame: &Object<'_>) -> String {
    // Java's inner classes share a file; the class is the narrower place.
    if let Some(module) = text(frame.get("module")).filter(|module| module.contains('$')) {
        let class = module.rsplit('.').next().unwrap_or(module);
        // Numbered ones are anonymous, and the numbers shift.
        let named: Vec<&str> = class
            .split('$')
            .filter(|part| part.bytes().any(|byte| !byte.is_ascii_digit()))
            .collect();
        return named.join("$").to_lowercase();
    }
    let path = ["filename", "abs_path"]
        .iter()
        .find_map(|key| text(frame.get(key)));
    let Some(path) = path else {
        let module = text(frame.get("module")).unwrap_or_default();
        return module
            .rsplit(['.', ':', '/'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = path
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let mut parts = name.split('.').filter(|part| !part.is_empty());
    let Some(stem) = parts.next() else {
        return name;
    };
    let stem = match stem.rsplit_once('-') {
        Some((stem, build)) if is_build_hash(build) && !stem.is_empty() => stem,
        _ => stem,
    };
    // What follows the first dot is an ending, a build or a kind of bundle.
    stem.to_owned()
}

fn is_build_hash(text: &str) -> bool {
    text.len() >= 6
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The source line, for platforms whose lines are source: it outlives a renamed function. Long lines are minified code.
pub(super) fn source_line(frame: &Object<'_>, platform: Option<&str>) -> Option<String> {
    let platform = text(frame.get("platform")).or(platform).unwrap_or_default();
    if !matches!(platform, "javascript" | "node" | "python" | "php" | "ruby") {
        return None;
    }
    let line = text(frame.get("context_line"))?.trim();
    let usable = !line.is_empty() && line.len() <= MAX_LINE_BYTES && !line.contains("{snip}");
    usable.then(|| line.to_owned())
}

const MAX_LINE_BYTES: usize = 160;

const ANONYMOUS: [&str; 9] = [
    "?",
    "anonymous",
    "lambda",
    "listcomp",
    "genexpr",
    "inner",
    "wrapper",
    "closure",
    "Object",
];

/// Types of JavaScript, Python, Java, Go and .NET whose messages the runtime writes.
const RUNTIME_TYPES: [&str; 25] = [
    "TypeError",
    "ReferenceError",
    "RangeError",
    "SyntaxError",
    "InternalError",
    "URIError",
    "KeyError",
    "AttributeError",
    "IndexError",
    "ZeroDivisionError",
    "NameError",
    "UnboundLocalError",
    "ImportError",
    "ModuleNotFoundError",
    "RecursionError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "FileNotFoundError",
    "ArithmeticException",
    "DivideByZeroException",
    "NullReferenceException",
    "InvalidCastException",
    "NumberFormatException",
    "boundsError",
    "plainError",
];

/// Parts of such types that come with several endings.
const RUNTIME_PARTS: [&str; 8] = [
    "NullPointer",
    "ClassCast",
    "OutOfBounds",
    "NegativeArraySize",
    "ConcurrentModification",
    "NoSuchElement",
    "StackOverflow",
    "OutOfMemory",
];
