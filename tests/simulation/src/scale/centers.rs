//! Where the data centers of the simulated world are, and how long it takes from one to the other.
//!
//! `centers.csv`: code, region, latitude, longitude of 300 of the platform's data centers outside mainland China, by <https://speed.cloudflare.com/locations>, August 2026. A region's lobbies live in one
//! of them, named here: one where the platform has room for objects, near the region's people. Which it would be on the day nobody can say.

use durable::units::Millis;

use crate::dice::Dice;

const LINES: &str = include_str!("centers.csv");
/// So many lines it has.
pub(super) const CENTERS: usize = 300;
/// A region, and where its lobbies live.
const HUBS: [(&str, &str); 9] = [
    ("wnam", "SJC"),
    ("enam", "IAD"),
    ("sam", "GRU"),
    ("weur", "AMS"),
    ("eeur", "WAW"),
    ("apac", "SIN"),
    ("oc", "SYD"),
    ("afr", "JNB"),
    ("me", "DXB"),
];
/// Where the Room lives.
const ROOM: &str = "AMS";
/// There and back over so many kilometres takes a millisecond at the speed of light in a vacuum; fibre, its detours and what stands in it make 2.2 of one. So London and New York
/// are 82 ms from each other (70 to 75 are measured by those who measure), London and Sydney 249 (250 to 280), New York and Tokyo 159 (150 to 170).
const KILOMETRES_PER_MILLI: f64 = 150.0 / 2.2;
/// One way from a leaf to its region's lobby.
const WITHIN_REGION: f64 = 1.0;
/// How long a commit takes until three of five followers in other data centers have it.
const COMMIT: (u64, u64) = (8, 25);
/// Two objects in one place are so far apart, there and back.
const NEAREST_MILLIS: f64 = 2.0;
const EARTH_KILOMETRES: f64 = 6_371.0;

/// A data center.
#[derive(Clone, Copy, Debug)]
pub(super) struct Center {
    /// Its region's number.
    pub(super) region: usize,
    latitude: f64,
    longitude: f64,
    /// One way to its region's lobbies.
    pub(super) to_hub: f64,
}

/// The world.
pub struct Map {
    /// Its data centers.
    pub(super) centers: Vec<Center>,
    /// By region: its name, and one way from its lobbies to the Room.
    pub(super) regions: Vec<(String, f64)>,
    /// One way from a leaf to its region's lobby.
    pub(super) within_region: f64,
    /// How long a commit takes, at least and at most.
    pub(super) commit: (u64, u64),
    /// Whether a way takes as long each time.
    is_steady: bool,
}

impl Map {
    /// As the file has it.
    pub(super) fn new() -> Map {
        let mut places: Vec<(&str, Center)> = LINES.lines().map(place).collect();
        let at = |code: &str| {
            let found = places.iter().find(|(of, _)| *of == code);
            found.map_or_else(|| panic!("{code} is in no line of centers.csv"), |(_, center)| *center)
        };
        let room = at(ROOM);
        let hubs: Vec<Center> = HUBS.iter().map(|(_, code)| at(code)).collect();
        let regions =
            HUBS.iter().zip(&hubs).map(|((name, _), hub)| ((*name).to_owned(), way(hub, &room))).collect();
        for (_, center) in &mut places {
            center.to_hub = way(center, &hubs[center.region]);
        }
        Map {
            centers: places.into_iter().map(|(_, center)| center).collect(),
            regions,
            within_region: WITHIN_REGION,
            commit: COMMIT,
            is_steady: false,
        }
    }

    /// Another one, in which everything is as far from each other everywhere and always: so many regions, with the ways from an edge to its leaf, from there to the region's lobby and from
    /// there to the Room; and how long a commit takes.
    pub fn even(regions: u32, ways: [Millis; 3], commit: Millis) -> Map {
        let [to_hub, within_region, to_room] = ways.map(|way| way.0 as f64);
        let center = |region| Center { region, latitude: 0.0, longitude: 0.0, to_hub };
        Map {
            centers: (0..regions as usize).map(center).collect(),
            regions: (0..regions).map(|region| (region.to_string(), to_room)).collect(),
            within_region,
            commit: (commit.0, commit.0),
            is_steady: true,
        }
    }

    /// One way takes so long this time: a little more for most, and for one in a thousand a packet is lost and sent again.
    pub(super) fn drawn(&self, way: f64, dice: &mut Dice) -> Millis {
        if self.is_steady {
            return Millis(way as u64);
        }
        let queueing = dice.below(4) as f64;
        let lost = if dice.below(1_000) == 0 { 2.0 * way + 20.0 } else { 0.0 };
        Millis((way + queueing + lost).round().max(1.0) as u64)
    }
}

fn place(line: &'static str) -> (&'static str, Center) {
    let mut fields = line.split(',');
    let mut next = || fields.next().unwrap_or_default();
    let (code, region) = (next(), next());
    let region = HUBS.iter().position(|(name, _)| *name == region);
    let number = |field: &str| field.parse().unwrap_or_else(|fault| panic!("{line}: {fault}"));
    let (latitude, longitude) = (number(next()), number(next()));
    let region = region.unwrap_or_else(|| panic!("{line}: no such region"));
    (code, Center { region, latitude, longitude, to_hub: 0.0 })
}

/// One way between two of them, by the great circle.
fn way(one: &Center, other: &Center) -> f64 {
    let [from, to] = [one.latitude, other.latitude].map(f64::to_radians);
    let [north, east] = [other.latitude - one.latitude, other.longitude - one.longitude].map(f64::to_radians);
    let chord = (north / 2.0).sin().powi(2) + from.cos() * to.cos() * (east / 2.0).sin().powi(2);
    let kilometres = 2.0 * EARTH_KILOMETRES * chord.sqrt().min(1.0).asin();
    f64::midpoint(kilometres / KILOMETRES_PER_MILLI, NEAREST_MILLIS)
}
