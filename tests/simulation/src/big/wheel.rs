//! A wheel of time: who is due at which tick. Taking out and putting in cost the same however many there are.

/// As many ticks as anything is planned ahead.
const SLOTS: usize = 16_384;

/// See the module's words.
pub(super) struct Wheel {
    slots: Vec<Vec<u32>>,
    now: usize,
    /// How many entries there are.
    pub(super) entries: u64,
}

impl Wheel {
    /// An empty one.
    pub(super) fn new() -> Wheel {
        Wheel { slots: vec![Vec::new(); SLOTS], now: 0, entries: 0 }
    }

    /// Due in so many ticks, at least one.
    pub(super) fn plan(&mut self, ticks: u64, entry: u32) {
        let ticks = (ticks.max(1) as usize).min(SLOTS - 1);
        self.slots[(self.now + ticks) % SLOTS].push(entry);
        self.entries += 1;
    }

    /// The next tick's.
    pub(super) fn turn(&mut self) -> Vec<u32> {
        self.now = (self.now + 1) % SLOTS;
        let due = std::mem::take(&mut self.slots[self.now]);
        self.entries -= due.len() as u64;
        due
    }
}
