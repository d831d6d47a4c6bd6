//! How long an endpoint asks to be left alone.

use std::time::{Duration, SystemTime};

/// The headers that say so, as text.
#[derive(Debug, Default, Clone, Copy)]
pub struct RetryHeaders<'a> {
    /// `retry-after-ms`: milliseconds, the finer of the two where both stand
    /// (Azure OpenAI and OpenAI send it).
    pub retry_after_ms: Option<&'a str>,
    /// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3).
    pub retry_after: Option<&'a str>,
    /// `Date`: the endpoint's own clock. A date in `Retry-After` is measured
    /// against it, so that a clock that is off here does no harm.
    pub date: Option<&'a str>,
}

/// The wait these headers ask for, from now; a date that has passed is zero.
///
/// `None`: none of them is there, or what is there cannot be read.
pub fn parse_retry_after(headers: RetryHeaders<'_>, now: SystemTime) -> Option<Duration> {
    let from_ms = headers.retry_after_ms.and_then(|text| parse_number(text, 1e-3));
    from_ms.or_else(|| {
        let text = headers.retry_after?.trim();
        parse_number(text, 1.0).or_else(|| parse_date(text, headers.date, now))
    })
}

/// Fractions are not in the RFC but are sent; negative numbers count as zero.
fn parse_number(text: &str, unit_in_seconds: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64((number * unit_in_seconds).max(0.0)).ok()
}

fn parse_date(text: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let until = httpdate::parse_http_date(text).ok()?;
    let theirs = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    Some(until.duration_since(theirs.unwrap_or(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NOW: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

    fn check(ms: Option<&str>, after: Option<&str>, date: Option<&str>, expected_ms: Option<u64>) {
        let headers = RetryHeaders { retry_after_ms: ms, retry_after: after, date };
        let now = httpdate::parse_http_date(NOW).unwrap();
        let wait = parse_retry_after(headers, now).map(|wait| wait.as_millis());
        assert_eq!(wait, expected_ms.map(u128::from), "{headers:?}");
    }

    #[test]
    fn every_form_is_read() {
        check(None, None, None, None);
        check(None, Some("3"), None, Some(3_000));
        check(None, Some(" 2.5 "), None, Some(2_500));
        check(Some("1200"), Some("2"), None, Some(1_200));
        check(Some("soon"), Some("2"), None, Some(2_000));
        check(None, Some("Sun, 22 Nov 2026 12:00:30 GMT"), None, Some(30_000));
        check(None, Some("Sun, 22 Nov 2026 11:59:00 GMT"), None, Some(0));
        check(None, Some("-4"), None, Some(0));
        check(None, Some("later"), None, None);
        check(None, Some("NaN"), None, Some(0));
        check(None, Some("inf"), None, None);
    }

    #[test]
    fn a_date_is_measured_against_the_endpoints_clock() {
        let theirs = Some("Sun, 22 Nov 2026 13:00:00 GMT");
        check(None, Some("Sun, 22 Nov 2026 13:00:05 GMT"), theirs, Some(5_000));
    }
}
