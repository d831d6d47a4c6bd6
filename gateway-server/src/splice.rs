//! Members of a JSON object found and replaced where they stand, so that a
//! request is passed on as the bytes that came.
//!
//! Only for text that a JSON parser has taken as an object before: what is not
//! JSON gives no range, never a wrong one.

use std::ops::Range;

/// Where the value of the top-level member `name` stands in `object`.
///
/// A name that is written with escapes is not found.
pub(crate) fn member(object: &[u8], name: &str) -> Option<Range<usize>> {
    entry(object, name).map(|(_, value)| value)
}

/// Where the top-level member `name` begins, and where its value stands.
fn entry(object: &[u8], name: &str) -> Option<(usize, Range<usize>)> {
    let mut at = skip_space(object, 0);
    if object.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_space(object, at + 1);
    while object.get(at) == Some(&b'"') {
        let start = at;
        let end = skip_string(object, at)?;
        let found = &object[at + 1..end - 1] == name.as_bytes();
        at = skip_space(object, end);
        if object.get(at) != Some(&b':') {
            return None;
        }
        let begin = skip_space(object, at + 1);
        let end = skip_value(object, begin)?;
        if found {
            return Some((start, begin..end));
        }
        at = skip_space(object, end);
        if object.get(at) != Some(&b',') {
            return None;
        }
        at = skip_space(object, at + 1);
    }
    None
}

/// `object` with the value of `name` replaced by `value`, or with the member
/// added in front. `None`: no object.
pub(crate) fn with_member(object: &[u8], name: &str, value: &str) -> Option<Vec<u8>> {
    let mut to = Vec::with_capacity(object.len() + name.len() + value.len() + 8);
    if let Some(range) = member(object, name) {
        to.extend_from_slice(&object[..range.start]);
        to.extend_from_slice(value.as_bytes());
        to.extend_from_slice(&object[range.end..]);
        return Some(to);
    }
    let begin = skip_space(object, 0);
    if object.get(begin) != Some(&b'{') {
        return None;
    }
    let is_empty = object.get(skip_space(object, begin + 1)) == Some(&b'}');
    let comma = if is_empty { "" } else { "," };
    to.extend_from_slice(format!("{{\"{name}\":{value}{comma}").as_bytes());
    to.extend_from_slice(&object[begin + 1..]);
    Some(to)
}

/// `object` without the member `name`. `None`: it has none.
pub(crate) fn without_member(object: &[u8], name: &str) -> Option<Vec<u8>> {
    let (mut start, value) = entry(object, name)?;
    let after = skip_space(object, value.end);
    let end = match object.get(after) {
        Some(b',') => skip_space(object, after + 1),
        // The last takes the comma before it along.
        _ => {
            let before = object[..start].trim_ascii_end();
            start = before.strip_suffix(b",").map_or(start, <[u8]>::len);
            value.end
        }
    };
    Some([&object[..start], &object[end..]].concat())
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
    from + space.count()
}

/// The end of the string that begins at `from`.
fn skip_string(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The end of the value that begins at `from`.
fn skip_value(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        match *text.get(at)? {
            b'"' => {
                at = skip_string(text, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' if depth == 0 => return Some(at),
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_member_is_found_at_the_top_only() {
        let found = |object: &str| member(object.as_bytes(), "model").map(|r| object[r].to_owned());
        let cases = [
            (r#"{"model":"a"}"#, Some(r#""a""#)),
            (r#" { "x" : {"model":1} , "model" : "b\"," , "y":2}"#, Some(r#""b\",""#)),
            (r#"{"messages":[{"content":"\"model\":\"no\""}],"model":12}"#, Some("12")),
            (r#"{"model":[1,{"a":2}]}"#, Some(r#"[1,{"a":2}]"#)),
            (r#"{"x":1}"#, None),
            ("{}", None),
            ("[1]", None),
            (r#"{"x":"#, None),
            (r#"{"x":"\"#, None),
            ("", None),
        ];
        for (object, expected) in cases {
            assert_eq!(found(object).as_deref(), expected, "{object}");
        }
    }

    #[test]
    fn replacing_changes_nothing_else() {
        let with = |object: &str| {
            with_member(object.as_bytes(), "model", "\"z\"").map(|b| String::from_utf8(b).unwrap())
        };
        let cases = [
            (r#"{"a":1, "model" : "x" ,"b":2}"#, Some(r#"{"a":1, "model" : "z" ,"b":2}"#)),
            (r#"{"a":1}"#, Some(r#"{"model":"z","a":1}"#)),
            ("{ }", Some(r#"{"model":"z" }"#)),
            ("3", None),
        ];
        for (object, expected) in cases {
            assert_eq!(with(object).as_deref(), expected, "{object}");
        }
    }

    #[test]
    fn a_member_is_taken_out_with_its_comma() {
        let without = |object: &str| {
            without_member(object.as_bytes(), "tags").map(|b| String::from_utf8(b).unwrap())
        };
        let cases = [
            (r#"{"tags":["a"],"x":1}"#, Some(r#"{"x":1}"#)),
            (r#"{"x":1, "tags" : ["a,}"] , "y":2}"#, Some(r#"{"x":1, "y":2}"#)),
            (r#"{"x":1 , "tags":"a" }"#, Some(r#"{"x":1  }"#)),
            (r#"{ "tags":[] }"#, Some("{  }")),
            (r#"{"x":{"tags":1}}"#, None),
            ("3", None),
        ];
        for (object, expected) in cases {
            assert_eq!(without(object).as_deref(), expected, "{object}");
        }
    }
}
