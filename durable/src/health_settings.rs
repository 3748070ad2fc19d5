//! When a room's pace follows the health of its origin: from which share of errors on, how late a first byte is late, and how slow the room may
//! become. Part of [`crate::settings`]; what follows from them is in [`crate::health`].

use crate::fields::Fields;
use crate::json;
use crate::json::Value;
use crate::settings::LIMIT_MAX;

/// One answer in twenty.
const ERROR_PERMILLE_DEFAULT: u64 = 50;
/// Whoever waits longer for a page to begin takes it for broken.
const FIRST_BYTE_DEFAULT_MS: u64 = 5_000;
/// Sooner than that no answer comes from another continent.
const FIRST_BYTE_MIN_MS: u64 = 50;
/// By then the platform has given up.
const FIRST_BYTE_MAX_MS: u64 = 60_000;

/// `origin_health`, where a room has it: it is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OriginHealth {
    /// With more errors in a thousand answers the pace is lowered.
    pub error_permille_max: u32,
    /// A first byte that comes later is late; with more than a tenth of those the pace is lowered.
    pub first_byte_ms_max: u32,
    /// The pace is never lowered below this, nor raised by it above the limit.
    pub new_users_per_minute_min: u32,
}

impl OriginHealth {
    /// Reads the object `origin_health`; its faults are named `origin_health.…`. None where there is none.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<OriginHealth> {
        let mut inner = Fields::within(fields.object("origin_health")?, "origin_health");
        let health = OriginHealth {
            error_permille_max: inner.number("error_permille_max", ERROR_PERMILLE_DEFAULT, 1, 1_000),
            first_byte_ms_max: inner.number(
                "first_byte_ms_max",
                FIRST_BYTE_DEFAULT_MS,
                FIRST_BYTE_MIN_MS,
                FIRST_BYTE_MAX_MS,
            ),
            new_users_per_minute_min: inner.required_number("new_users_per_minute_min", 1, LIMIT_MAX),
        };
        fields.take_faults(inner);
        Some(health)
    }

    /// The canonical JSON.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "error_permille_max": self.error_permille_max,
            "first_byte_ms_max": self.first_byte_ms_max,
            "new_users_per_minute_min": self.new_users_per_minute_min,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn parsed(health: Value) -> Result<Settings, Vec<String>> {
        let mut settings = json!({
            "name": "a", "host": "a.example", "total_active_users": 1, "new_users_per_minute": 100,
        });
        settings.set("origin_health", health);
        Settings::parse(&settings).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn it_is_off_until_it_is_named_and_then_the_floor_is_all_it_needs() {
        assert_eq!(parsed(Value::Null).unwrap().origin_health, None);
        let health = parsed(json!({ "new_users_per_minute_min": 10 })).unwrap().origin_health.unwrap();
        assert_eq!((health.error_permille_max, health.first_byte_ms_max), (50, 5_000));
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_bound() {
        let told =
            parsed(json!({ "error_permille_max": 0, "first_byte_ms_max": 49, "latency": 1 })).unwrap_err();
        assert_eq!(
            told,
            [
                "`origin_health.error_permille_max`: must be a whole number from 1 to 1000",
                "`origin_health.first_byte_ms_max`: must be a whole number from 50 to 60000",
                "`origin_health.new_users_per_minute_min`: is required: a whole number from 1 to 2147483647",
                "`origin_health.latency`: is not a field this version knows",
            ]
        );
        assert!(parsed(json!(true)).unwrap_err()[0].contains("must be an object"));
        for (field, good, bad) in [
            ("error_permille_max", 1_000, 1_001),
            ("first_byte_ms_max", 60_000, 60_001),
            ("new_users_per_minute_min", LIMIT_MAX, 0),
        ] {
            let with = |value: u64| {
                let mut health = json!({ "new_users_per_minute_min": 1 });
                health.set(field, json!(value));
                parsed(health)
            };
            assert!(with(good).is_ok() && with(bad).is_err(), "{field}");
        }
    }

    #[test]
    fn what_is_written_is_read_the_same_and_a_patch_changes_what_it_names() {
        let settings = parsed(json!({ "first_byte_ms_max": 900, "new_users_per_minute_min": 10 })).unwrap();
        assert_eq!(Settings::parse(&settings.to_json()).as_ref(), Ok(&settings));
        let patched = settings.merged(&json!({ "origin_health": { "error_permille_max": 7 } })).unwrap();
        let health = patched.origin_health.unwrap();
        assert_eq!((health.error_permille_max, health.first_byte_ms_max), (7, 900));
        assert_eq!(settings.merged(&json!({ "origin_health": null })).unwrap().origin_health, None);
    }
}
