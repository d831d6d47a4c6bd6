//! Secrets taken out of text before it leaves the machine.
//!
//! Log lines, source comments and questions carry keys and passwords more often than their
//! authors think. What is recognised is replaced by a note of its kind, so that a reader still
//! sees that something stood there. This is a net with known meshes: [`KINDS`] lists them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};

/// One kind of secret: its name, and a pattern whose group `secret` is what gets replaced.
struct Kind {
    name: &'static str,
    pattern: &'static str,
}

/// What is recognised, the more exact shapes first.
const KINDS: &[Kind] = &[
    Kind {
        name: "private key",
        pattern: r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?P<secret>.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
    },
    Kind {
        name: "credential",
        pattern: r"(?i)\b(?:proxy-)?authorization[\x22']?\s*[:=]\s*[\x22']?(?:bearer|basic|token|digest)\s+(?P<secret>[^\s\x22']+)",
    },
    Kind { name: "credential", pattern: r"(?i)\bbearer\s+(?P<secret>[a-z0-9._~+/=-]{16,})" },
    Kind {
        name: "API key",
        pattern: r"\b(?P<secret>(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{10,})",
    },
    Kind { name: "AWS key", pattern: r"\b(?P<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b" },
    Kind {
        name: "token",
        pattern: r"\b(?P<secret>gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{30,}|npm_[A-Za-z0-9]{30,})",
    },
    Kind {
        name: "token",
        pattern: r"\b(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    },
    Kind {
        name: "password",
        pattern: r"\b[a-z][a-z0-9+.-]*://[^\s/:@\x22']*:(?P<secret>[^\s/@\x22']+)@",
    },
    Kind {
        name: "password",
        pattern: r#"(?i)(?:\b|_)(?:passw(?:or)?d|passwd|passphrase|pwd|psk|pre_?shared_?key|secret(?:_?(?:access_?)?key)?|api_?key|access_?key|auth_?token|access_?token|client_?secret|wifi_?(?:pass|key|pw)|wpa_?key)[\x22']?\s*(?:[:=]+|\bis\b)\s*(?:"(?P<secret>[^"\r\n]+)"|'(?P<single>[^'\r\n]+)'|(?P<bare>[^\s"',;)]{3,}))"#,
    },
    Kind {
        name: "password",
        pattern: r#"(?i)(?m)^[ \t]*#[ \t]*define[ \t]+\w*(?:PASSW|PSK|SECRET|API_?KEY|TOKEN)\w*[ \t]+"(?P<secret>[^"\r\n]+)""#,
    },
];

static PATTERNS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let compile = |kind: &Kind| {
        let pattern = RegexBuilder::new(kind.pattern).build();
        (kind.name, pattern.expect("the table holds valid patterns, as its test shows"))
    };
    KINDS.iter().map(compile).collect()
});

/// Replaces every recognised secret in `text` by `[masked: KIND]`.
///
/// Borrowed if nothing was recognised. Masking twice gives the same as masking once.
pub fn secrets(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    for (name, pattern) in PATTERNS.iter() {
        if pattern.is_match(&masked) {
            masked = Cow::Owned(replace(&masked, pattern, name));
        }
    }
    masked
}

fn replace(text: &str, pattern: &Regex, name: &str) -> String {
    let with_note = |found: &Captures<'_>| {
        let whole = found.get(0).expect("a match has a group 0");
        let secret = ["secret", "single", "bare"].iter().find_map(|group| found.name(group));
        let Some(secret) = secret.filter(|secret| !is_harmless(secret.as_str())) else {
            return whole.as_str().to_owned();
        };
        let (before, after) = (secret.start() - whole.start(), secret.end() - whole.start());
        let kept = whole.as_str();
        format!("{}[masked: {name}]{}", &kept[..before], &kept[after..])
    };
    pattern.replace_all(text, with_note).into_owned()
}

/// What stands where a secret would, but is none: a mask, a placeholder, a number, a code name.
fn is_harmless(secret: &str) -> bool {
    let plain = secret.trim_matches(|c: char| "<>{}$%*()[]".contains(c));
    plain.is_empty()
        || secret.starts_with("[masked")
        || ["none", "null", "nullptr", "true", "false", "wrong", "not", "empty"]
            .contains(&plain.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let masked = secrets(text);
        assert_eq!(masked, expected, "for {text:?}");
        assert_eq!(secrets(&masked), expected, "masking twice, for {text:?}");
    }

    #[test]
    fn keys_and_tokens_are_masked() {
        check("use sk-proj-Ab12Cd34Ef56Gh78Ij90 now", "use [masked: API key] now");
        check("AKIAIOSFODNN7EXAMPLE", "[masked: AWS key]");
        check("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[masked: token]");
        check("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln!", "t=[masked: token]!");
        check("Authorization: Bearer abc.def-123", "Authorization: Bearer [masked: credential]");
        check(
            "curl -H \"authorization: basic dXNlcjpwdw==\"",
            "curl -H \"authorization: basic [masked: credential]\"",
        );
    }

    #[test]
    fn passwords_are_masked_in_the_forms_people_write() {
        check("password=hunter2", "password=[masked: password]");
        check("WIFI_PSK: \"my home net\"", "WIFI_PSK: \"[masked: password]\"");
        check("\"psk\": \"abc def\", x", "\"psk\": \"[masked: password]\", x");
        check("psk='s3cr3t'; n=1", "psk='[masked: password]'; n=1");
        check("aws_secret_access_key = wJalr/XUtn", "aws_secret_access_key = [masked: password]");
        check(
            "mqtt://dev:pa55@broker.local:1883/x",
            "mqtt://dev:[masked: password]@broker.local:1883/x",
        );
        check("#define WIFI_PASSWORD \"geheim\"", "#define WIFI_PASSWORD \"[masked: password]\"");
    }

    #[test]
    fn a_private_key_is_masked_even_if_its_end_is_missing() {
        let whole = "a\n-----BEGIN EC PRIVATE KEY-----\nMHc\nCAQ\n-----END EC PRIVATE KEY-----\nb";
        check(
            whole,
            "a\n-----BEGIN EC PRIVATE KEY-----[masked: private key]-----END EC PRIVATE KEY-----\nb",
        );
        check(
            "-----BEGIN PRIVATE KEY-----\nMHc",
            "-----BEGIN PRIVATE KEY-----[masked: private key]",
        );
    }

    #[test]
    fn what_firmware_people_write_stays() {
        for text in [
            "UART0.BAUDRATE = 0x01d7e000",
            "FLASH.KEYR takes KEY1 then KEY2; the key is 0x45670123",
            "the task-sk-thread and sk-1",
            "http://host:8080/path@x",
            "bearer of bad news",
            "token=0; TOKENS: 12",
            "RNG.VALUE, ECB.ECBDATAPTR, CRYP.K0LR = 0x00112233",
            "PSK is not set",
        ] {
            check(text, text);
        }
    }
}
