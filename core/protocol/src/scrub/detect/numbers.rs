//! Card numbers and bank accounts: digits with a checksum.

use super::super::text::Found;
use super::{Rule, at, before};

/// Finds payment card numbers: a known network's beginning and length, grouped or not, with a right Luhn digit.
pub(super) fn cards(bytes: &[u8], found: &mut Vec<Found>) {
    let mut start = 0;
    while start < bytes.len() {
        if !bytes[start].is_ascii_digit() {
            start += 1;
            continue;
        }
        let (end, digits) = digit_run(bytes, start);
        if stands_alone(bytes, start, end)
            && digits.is_some_and(|digits| is_card(digits.as_slice()))
        {
            found.push(Found {
                start,
                end,
                rule: Rule::Card,
            });
        }
        start = end;
    }
}

/// Whether these digits are a card number; `digits` holds values from 0 to 9.
pub(in super::super) fn is_card(digits: &[u8]) -> bool {
    let number = |count: usize| {
        digits[..count]
            .iter()
            .fold(0u32, |number, &digit| number * 10 + u32::from(digit))
    };
    if digits.len() < 13 {
        return false;
    }
    let known = match (digits.len(), number(4)) {
        // Visa, American Express, MasterCard (both ranges), Discover, JCB, Diners, UnionPay.
        (13 | 16 | 19, 4000..=4999)
        | (15, 3400..=3499 | 3700..=3799)
        | (16, 5100..=5599 | 2221..=2720) => true,
        (16 | 19, 6011 | 6440..=6599)
        | (16, 3528..=3589)
        | (14, 3000..=3059 | 3600..=3699 | 3800..=3999) => true,
        (16..=19, 6200..=6299) => true,
        _ => false,
    };
    known && digits.iter().any(|&digit| digit != digits[0]) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| {
            let value = u32::from(digit) << (index % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A small list of digits, no longer than a card number is.
#[derive(Clone, Copy)]
struct Digits {
    values: [u8; 19],
    count: usize,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        &self.values[..self.count]
    }
}

/// The digits from `start` on with single blanks or dashes between them; `None` in the second place if there are too many.
fn digit_run(bytes: &[u8], start: usize) -> (usize, Option<Digits>) {
    let mut digits = Some(Digits {
        values: [0; 19],
        count: 0,
    });
    let mut end = start;
    let mut next = start;
    while let Some(&byte) = bytes.get(next) {
        if byte.is_ascii_digit() {
            digits = digits.filter(|digits| digits.count < 19).map(|mut digits| {
                digits.values[digits.count] = byte - b'0';
                digits.count += 1;
                digits
            });
            next += 1;
            end = next;
        } else if matches!(byte, b' ' | b'-') && next == end && at(bytes, next + 1).is_ascii_digit()
        {
            next += 1;
        } else {
            break;
        }
    }
    (end, digits)
}

/// No letter, dot or dash glued to it: those make it part of an id, a decimal or a path.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let left = before(bytes, start);
    let right = at(bytes, end);
    let decimal = right == b'.' && at(bytes, end + 1).is_ascii_digit();
    !(left.is_ascii_alphanumeric()
        || matches!(left, b'.' | b'_' | b'-')
        || right.is_ascii_alphanumeric()
        || matches!(right, b'_' | b'-')
        || decimal)
}

/// Finds IBANs: a country of the register, its length, and a remainder of 1 modulo 97.
pub(super) fn ibans(bytes: &[u8], found: &mut Vec<Found>) {
    let mut start = 0;
    while start + 15 <= bytes.len() {
        let [first, second, third, fourth] = [
            bytes[start],
            bytes[start + 1],
            bytes[start + 2],
            bytes[start + 3],
        ];
        let begins = first.is_ascii_uppercase()
            && second.is_ascii_uppercase()
            && third.is_ascii_digit()
            && fourth.is_ascii_digit()
            && !before(bytes, start).is_ascii_alphanumeric();
        if begins
            && let Some(length) = iban_length([first, second])
            && let Some(end) = iban_end(bytes, start, length)
        {
            found.push(Found {
                start,
                end,
                rule: Rule::Iban,
            });
            start = end;
        } else {
            start += 1;
        }
    }
}

fn iban_end(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let mut account = [0; 34];
    let mut count = 0;
    let mut next = start;
    while count < length {
        let byte = *bytes.get(next)?;
        if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
            account[count] = byte;
            count += 1;
        } else if byte != b' ' || count % 4 != 0 {
            return None;
        }
        next += 1;
    }
    if at(bytes, next).is_ascii_alphanumeric() {
        return None;
    }
    let rotated = account[4..length].iter().chain(&account[..4]);
    let remainder = rotated.fold(0u32, |remainder, &byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    (remainder == 1).then_some(next)
}

fn iban_length(country: [u8; 2]) -> Option<usize> {
    let country = std::str::from_utf8(&country).ok()?;
    IBAN_LENGTHS
        .iter()
        .find(|(_, countries)| countries.split(' ').any(|known| known == country))
        .map(|&(length, _)| length)
}

/// The register of ISO 13616 by length.
const IBAN_LENGTHS: [(usize, &str); 17] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FK FO FI GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HU LB PL SV NI"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
];
