//! The setting `room_region`: in which part of the world the Room shall live. How it comes there is decided in [`crate::moving`].

use crate::fields::Fields;

/// The platform's location hints for objects (`src/region.mjs` has the same): in which of its data centers exactly is for the platform to choose.
const LOCATIONS: [&str; 9] = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"];

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location(&'static str);

impl Location {
    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Location> {
        LOCATIONS.iter().find(|location| **location == name).map(|location| Location(location))
    }

    /// As it stands in settings, and in the names of objects.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// A room's; none where it lives where it was first asked for, or has come to.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Location> {
        let name = fields.text("room_region", 8);
        let location = Location::of_name(&name);
        if location.is_none() && !name.is_empty() {
            let all = "must be `wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `oc`, `afr`, `me`, or empty to leave the room where it is";
            fields.fault("room_region", all);
        }
        location
    }
}

#[cfg(test)]
mod tests {
    use crate::json;
    use crate::settings::Settings;

    use super::*;

    #[test]
    fn a_region_is_one_that_the_platform_knows_or_none() {
        let read = |region: &str| {
            Settings::parse(&json!({
                "name": "a", "host": "a.example", "total_active_users": 1, "new_users_per_minute": 1, "room_region": region,
            }))
        };
        for name in LOCATIONS {
            let settings = read(name).unwrap();
            assert_eq!(settings.room_region.map(Location::name), Some(name));
            assert_eq!(Settings::parse(&settings.to_json()), Ok(settings));
        }
        let none = read("").unwrap();
        assert!(none.room_region.is_none() && none.to_json().get("room_region").is_none());
        for wrong in ["WEUR", "eu", "weur ", "weur~1", "nowhere"] {
            let faults = read(wrong).unwrap_err();
            assert!(faults[0].to_string().starts_with("`room_region`: must be"), "{wrong}");
        }
    }
}
