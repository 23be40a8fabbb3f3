//! Plain text tables for a terminal and for a CI log.

/// Renders rows under a head, columns padded to their widest cell. Columns whose cells (below the head) are all numbers are aligned right.
pub fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let columns = head.len();
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let widest = rows
                .iter()
                .map(|row| cell(row, column).chars().count())
                .max();
            widest.unwrap_or(0).max(head[column].chars().count())
        })
        .collect();
    let numeric: Vec<bool> = (0..columns)
        .map(|column| {
            let cells: Vec<String> = rows.iter().map(|row| cell(row, column)).collect();
            cells.iter().any(|text| !text.is_empty())
                && cells
                    .iter()
                    .all(|text| text.is_empty() || text == "-" || is_number(text))
        })
        .collect();
    let line = |cells: &[String]| {
        let mut text = String::from(" ");
        for column in 0..columns {
            let value = cell(cells, column);
            let padding = " ".repeat(widths[column].saturating_sub(value.chars().count()));
            text.push(' ');
            if numeric[column] {
                text.push_str(&padding);
                text.push_str(&value);
            } else {
                text.push_str(&value);
                text.push_str(&padding);
            }
            text.push(' ');
        }
        format!("{}\n", text.trim_end())
    };
    let titles: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(&titles);
    text.push_str(&line(&rules));
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

fn is_number(text: &str) -> bool {
    text.chars().any(|letter| letter.is_ascii_digit())
        && text
            .chars()
            .all(|letter| letter.is_ascii_digit() || ".,-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right() {
        let text = render(
            &["part", "seconds", "note"],
            &[
                row(&["core", "3.1", "41 tests"]),
                row(&["collector", "120.0", ""]),
            ],
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  part       seconds  note");
        assert_eq!(lines[1], "  ---------  -------  --------");
        assert_eq!(lines[2], "  core           3.1  41 tests");
        assert_eq!(lines[3], "  collector    120.0");
    }

    #[test]
    fn a_short_row_is_filled_and_an_empty_table_keeps_its_head() {
        assert_eq!(
            render(&["a", "b"], &[row(&["x"])]).lines().nth(2),
            Some("  x")
        );
        assert_eq!(render(&["a", "b"], &[]).lines().count(), 2);
    }

    #[test]
    fn widths_count_letters_not_bytes() {
        let text = render(&["a", "b"], &[row(&["äöü", "1"]), row(&["abc", "2"])]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "  äöü  1");
        assert_eq!(lines[3], "  abc  2");
    }
}
