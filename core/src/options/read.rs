//! Reading one option: kinds, ranges, and the sentence that says what was wrong.

use super::{Kind, Options, Row, TABLE, Warning};
use faultwire_protocol::dsn::Dsn;
use faultwire_protocol::json::{self, Value};

/// A value of the kind that its row asks for.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Flag(bool),
    Number(f64),
    Integer(u64),
    Text(Option<String>),
    Texts(Vec<String>),
    Dsn(Option<Box<Dsn>>),
}

// Each row's `put` asks for what its `kind` promises; a test takes every row through its default, which proves it.
impl Given {
    pub(super) fn flag(self) -> bool {
        matches!(self, Given::Flag(true))
    }

    pub(super) fn number(self) -> f64 {
        if let Given::Number(number) = self {
            number
        } else {
            0.0
        }
    }

    pub(super) fn integer(self) -> u64 {
        if let Given::Integer(number) = self {
            number
        } else {
            0
        }
    }

    pub(super) fn size(self) -> usize {
        usize::try_from(self.integer()).unwrap_or(usize::MAX)
    }

    pub(super) fn text(self) -> Option<String> {
        if let Given::Text(text) = self {
            text
        } else {
            None
        }
    }

    pub(super) fn texts(self) -> Vec<String> {
        if let Given::Texts(texts) = self {
            texts
        } else {
            Vec::new()
        }
    }

    pub(super) fn dsn(self) -> Option<Dsn> {
        if let Given::Dsn(dsn) = self {
            dsn.map(|dsn| *dsn)
        } else {
            None
        }
    }
}

/// What is wrong with a value, and what to use if not the default.
struct Wrong {
    complaint: String,
    instead: Option<Given>,
}

/// The row of an option's name, in camelCase or snake_case.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.name == name || snake_case(row.name) == name)
}

pub(super) fn apply_default(row: &Row, options: &mut Options) {
    if let Ok(value) = json::parse(row.default) {
        (row.put)(options, default_of(row, &value));
    }
}

/// Applies a value given in code.
pub(super) fn from_value(
    row: &Row,
    value: &Value<'_>,
    options: &mut Options,
    warnings: &mut Vec<Warning>,
) {
    let subject = format!("option `{}`", row.name);
    apply(row, &subject, read(row.kind, value), options, warnings);
}

/// Applies the text of an environment variable.
pub(super) fn from_env(
    row: &Row,
    name: &str,
    text: &str,
    options: &mut Options,
    warnings: &mut Vec<Warning>,
) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let value = match row.kind {
        Kind::Flag => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Value::Bool(true),
            "0" | "false" | "no" | "off" => Value::Bool(false),
            _ => Value::from(text),
        },
        Kind::Number { .. } | Kind::Integer { .. } => json::parse(text)
            .ok()
            .filter(|value| value.as_number().is_some())
            .unwrap_or(Value::from(text)),
        Kind::Texts => Value::Array(
            text.split(',')
                .map(|part| Value::from(part.trim()))
                .collect(),
        ),
        Kind::Text | Kind::Dsn => Value::from(text),
    };
    apply(
        row,
        &format!("environment variable {name}"),
        read(row.kind, &value),
        options,
        warnings,
    );
}

/// The warning for a name that no row has.
pub(super) fn unknown(name: &str) -> Warning {
    let folded = name.replace(['_', '-'], "").to_ascii_lowercase();
    let distance = |row: &&Row| edit_distance(&folded, &row.name.to_ascii_lowercase());
    let nearest = TABLE
        .iter()
        .min_by_key(distance)
        .filter(|row| distance(row) <= 1 + folded.len() / 5);
    let shown: String = name.chars().take(40).collect();
    Warning(match nearest {
        Some(row) => format!(
            "option `{shown}` is unknown and ignored; did you mean `{}`?",
            row.name
        ),
        None => format!("option `{shown}` is unknown and ignored"),
    })
}

/// A word for what was given, to be shown to its author.
pub(super) fn kind_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `inAppInclude` as `in_app_include`.
pub(super) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn apply(
    row: &Row,
    subject: &str,
    read: Result<Given, Wrong>,
    options: &mut Options,
    warnings: &mut Vec<Warning>,
) {
    match read {
        Ok(given) => (row.put)(options, given),
        Err(Wrong {
            complaint,
            instead: Some(given),
        }) => {
            let used = match &given {
                Given::Number(number) => number.to_string(),
                Given::Integer(number) => number.to_string(),
                _ => "the readable part".to_owned(),
            };
            warnings.push(Warning(format!("{subject}: {complaint}; {used} is used")));
            (row.put)(options, given);
        }
        Err(Wrong {
            complaint,
            instead: None,
        }) => {
            // The default, and not what the environment said: a person who set it in code must not get a third thing.
            apply_default(row, options);
            let used = match row.kind {
                Kind::Dsn => "nothing will be sent".to_owned(),
                _ if row.default == "null" => "it is ignored".to_owned(),
                _ => format!("{} is used", row.default),
            };
            warnings.push(Warning(format!("{subject}: {complaint}; {used}")));
        }
    }
}

fn read(kind: Kind, value: &Value<'_>) -> Result<Given, Wrong> {
    match (kind, value) {
        (Kind::Flag, Value::Bool(flag)) => Ok(Given::Flag(*flag)),
        (Kind::Number { min, max }, Value::Number(number)) => match number.as_f64() {
            Some(number) if (min..=max).contains(&number) => Ok(Given::Number(number)),
            Some(other) => Err(outside(
                number.as_text(),
                min,
                max,
                Given::Number(other.clamp(min, max)),
            )),
            None => Err(outside(number.as_text(), min, max, Given::Number(max))),
        },
        (Kind::Integer { min, max }, Value::Number(number)) => {
            match (number.as_u64(), number.as_f64()) {
                (Some(number), _) if (min..=max).contains(&number) => Ok(Given::Integer(number)),
                (_, Some(other)) if other < min as f64 => {
                    Err(outside(number.as_text(), min, max, Given::Integer(min)))
                }
                (_, Some(other)) if other <= max as f64 => Ok(Given::Integer(other.round() as u64)),
                _ => Err(outside(number.as_text(), min, max, Given::Integer(max))),
            }
        }
        (Kind::Text, Value::String(text)) => Ok(Given::Text(
            (!text.is_empty()).then(|| text.clone().into_owned()),
        )),
        // `release: 17` is a common way to write a release, and clear.
        (Kind::Text, Value::Number(number)) => Ok(Given::Text(Some(number.as_text().to_owned()))),
        (Kind::Texts, Value::Array(items)) => texts(items),
        (Kind::Texts, Value::String(text)) => Ok(Given::Texts(vec![text.clone().into_owned()])),
        (Kind::Dsn, Value::String(text)) if text.trim().is_empty() => Ok(Given::Dsn(None)),
        (Kind::Dsn, Value::String(text)) => match Dsn::parse(text) {
            Ok(dsn) => Ok(Given::Dsn(Some(Box::new(dsn)))),
            Err(error) => Err(Wrong {
                complaint: error.to_string(),
                instead: None,
            }),
        },
        (kind, value) => {
            let complaint = format!("expected {}, got {}", expected(kind), kind_of(value));
            Err(Wrong {
                complaint,
                instead: None,
            })
        }
    }
}

fn texts(items: &[Value<'_>]) -> Result<Given, Wrong> {
    let read: Vec<String> = items
        .iter()
        .filter_map(|item| Some(item.as_str()?.to_owned()))
        .collect();
    match items.iter().find(|item| item.as_str().is_none()) {
        None => Ok(Given::Texts(read)),
        Some(odd) => {
            let complaint = format!("expected a list of strings, got {} in it", kind_of(odd));
            Err(Wrong {
                complaint,
                instead: Some(Given::Texts(read)),
            })
        }
    }
}

fn outside(given: &str, min: impl ToString, max: impl ToString, instead: Given) -> Wrong {
    let complaint = format!(
        "{given} is not between {} and {}",
        min.to_string(),
        max.to_string()
    );
    Wrong {
        complaint,
        instead: Some(instead),
    }
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Number { min, max } => format!("a number between {min} and {max}"),
        Kind::Integer { min, max } => format!("a whole number between {min} and {max}"),
        Kind::Text | Kind::Dsn => "a string".to_owned(),
        Kind::Texts => "a list of strings".to_owned(),
    }
}

fn default_of(row: &Row, value: &Value<'_>) -> Given {
    match (row.kind, value) {
        (Kind::Dsn, Value::Null) => Given::Dsn(None),
        (_, Value::Null) => Given::Text(None),
        _ => match read(row.kind, value) {
            Ok(given) => given,
            // A default outside its own range would be a defect of the table; the test over all rows finds it.
            Err(wrong) => wrong.instead.unwrap_or(Given::Text(None)),
        },
    }
}

/// Levenshtein distance between two short ASCII words.
fn edit_distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().take(MAX_NAME_LEN).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in two.iter().enumerate() {
            let replace = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

/// A longer name is not a misspelt option.
const MAX_NAME_LEN: usize = 64;
