//! Keys that are good until a day or a moment, with a calendar made up.

use std::time::{Duration, SystemTime};

use gateway::config::file;
use gateway::config::{Expiry, UserConfig};

const HOUR: Duration = Duration::from_secs(3_600);

/// 2027-01-31T00:00:00Z, by `date -u -d 2027-01-31 +%s`.
fn day() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_801_353_600)
}

fn users(expires: &[&str]) -> String {
    let user = |(number, expires): (usize, &&str)| {
        format!("[[gateway.server.users]]\nname = 'u{number}'\nkey = 'k'\nexpires = {expires}\n")
    };
    expires.iter().enumerate().map(user).collect()
}

#[test]
fn a_day_is_whole_and_a_moment_exact() {
    let cases = [
        ("2027-01-30", day()),
        ("2027-01-31", day() + 24 * HOUR),
        ("2027-01-31T06:00:00Z", day() + 6 * HOUR),
        ("2027-01-31T06:00:00+02:00", day() + 4 * HOUR),
        ("2027-01-31t06:00:00.5z", day() + 6 * HOUR + HOUR / 7_200),
    ];
    for (text, end) in cases {
        let expiry = Expiry::parse(text).unwrap();
        assert_eq!(expiry.end(), end, "{text}");
        assert!(!expiry.is_over(end - HOUR / 3_600_000) && expiry.is_over(end), "{text}");
        assert_eq!(Expiry::parse(&expiry.to_string()), Ok(expiry), "{text} is {expiry}");
    }
}

#[test]
fn what_is_no_date_is_refused() {
    for text in
        ["", "soon", "2027-02-30", "2027-01-31T06:00:00", "06:00", "31.1.2027", "1801353600"]
    {
        assert!(Expiry::parse(text).is_err(), "{text}");
    }
}

#[test]
fn toml_writes_it_with_quotes_and_without() {
    let text =
        users(&["'2027-01-31'", "2027-01-31", "2027-01-31T06:00:00Z", "2027-01-31 06:00:00Z"]);
    let read = file::read(&text).unwrap();
    assert_eq!(read.notes, []);
    let written: Vec<_> =
        read.config.server.users.iter().map(|u| u.expires.unwrap().to_string()).collect();
    let moment = "2027-01-31T06:00:00Z";
    assert_eq!(written, ["2027-01-31", "2027-01-31", moment, moment]);
}

#[test]
fn nonsense_is_refused_with_its_line() {
    for nonsense in ["'soon'", "2027-01-31T06:00:00", "06:00:00", "7", "true", "'2027-02-30'"] {
        let broken = file::read(&users(&["2027-01-31", nonsense])).unwrap_err();
        assert_eq!(broken.line, Some(8), "{nonsense}: {broken:?}");
        assert!(broken.text.contains("2027-01-31"), "it says how to write one: {broken:?}");
    }
}

#[test]
fn those_that_end_soon_are_told_with_what_is_left() {
    let text = users(&["2027-01-30", "2027-01-31", "2027-01-31T03:00:00Z", "2027-02-28"]);
    let mut server = file::read(&text).unwrap().config.server;
    server.users.push(UserConfig { name: "for ever".to_owned(), ..UserConfig::default() });
    let told: Vec<_> = server
        .expiring(day() + HOUR, 7 * 24 * HOUR)
        .map(|key| (key.index, key.user, key.left))
        .collect();
    let expected = [(0, "u0", None), (1, "u1", Some(23 * HOUR)), (2, "u2", Some(2 * HOUR))];
    assert_eq!(told, expected);
}
