//! Until when a key is good.

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// Until when a key is good: through a day, by the calendar of UTC, or until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// The last day on which it is good.
    Day(NaiveDate),
    /// The moment from which on it is not.
    Moment(DateTime<Utc>),
}

/// A text that names neither a day nor a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no date; write a day (2027-01-31, good through it) or a moment (2027-01-31T18:00:00Z)"
)]
pub struct NoDate(pub String);

impl Expiry {
    /// Reads `2027-01-31`, or a moment with its offset from UTC.
    ///
    /// # Errors
    /// [`NoDate`]; a moment without an offset is none.
    ///
    /// Source: RFC 3339, 5.6 (`full-date`, `date-time`).
    pub fn parse(text: &str) -> Result<Self, NoDate> {
        let day =
            text.parse().ok().filter(|day: &NaiveDate| day.checked_add_days(ONE_DAY).is_some());
        let moment = || DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc());
        let known = day.map(Self::Day).or_else(|| moment().map(Self::Moment));
        known.ok_or_else(|| NoDate(text.chars().filter(|c| !c.is_control()).take(40).collect()))
    }

    /// The moment from which on the key is not good any more.
    pub fn end(self) -> SystemTime {
        let end = match self {
            Self::Day(day) => (day + ONE_DAY).and_time(chrono::NaiveTime::MIN).and_utc(),
            Self::Moment(moment) => moment,
        };
        end.into()
    }

    /// True if the key is not good any more when clocks on the wall say `wall`.
    pub fn is_over(self, wall: SystemTime) -> bool {
        wall >= self.end()
    }
}

/// What [`Expiry::parse`] makes sure can be added to a day.
const ONE_DAY: Days = Days::new(1);

/// As [`Expiry::parse`] reads it.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Moment(moment) => {
                f.write_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
        }
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text, or one of TOML's own dates, which need no quotes.
impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Expiry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day (2027-01-31) or a moment (2027-01-31T18:00:00Z)")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Expiry, E> {
        Expiry::parse(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expiry, A::Error> {
        let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
        self.visit_str(&date.to_string())
    }
}
