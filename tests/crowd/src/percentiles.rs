//! Percentiles by nearest rank, which are times that somebody really waited, and a histogram of one line.

use crate::moment::Moment;

/// How times are spread, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Of so many.
    pub count: u64,
    /// Half took at most this.
    pub p50_ms: u64,
    /// 95 of 100 took at most this.
    pub p95_ms: u64,
    /// 99 of 100 took at most this.
    pub p99_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// Times, in any order, as a spread. None has only zeros.
pub fn spread(times_ms: impl IntoIterator<Item = u64>) -> Spread {
    let mut sorted: Vec<u64> = times_ms.into_iter().collect();
    sorted.sort_unstable();
    Spread {
        count: sorted.len() as u64,
        p50_ms: nearest_rank(&sorted, 50),
        p95_ms: nearest_rank(&sorted, 95),
        p99_ms: nearest_rank(&sorted, 99),
        max_ms: sorted.last().copied().unwrap_or(0),
    }
}

/// The smallest of the sorted times that so many percent do not exceed: number ceil(n · p / 100), from 1 on.
fn nearest_rank(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// How often something happened, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Seconds of one column.
    pub column_seconds: u64,
    /// What happened in each, from the first event on.
    pub columns: Vec<u64>,
}

/// Events, in any order, in at most `width` columns of whole seconds.
pub fn histogram(events: impl IntoIterator<Item = Moment>, width: u64) -> Histogram {
    let seconds: Vec<u64> = events.into_iter().map(|event| event.0 / 1_000).collect();
    let (Some(first), Some(last)) = (seconds.iter().min().copied(), seconds.iter().max().copied()) else {
        return Histogram::default();
    };
    let column_seconds = (last - first + 1).div_ceil(width.max(1));
    let mut columns = vec![0; ((last - first) / column_seconds + 1) as usize];
    for second in seconds {
        if let Some(column) = columns.get_mut(((second - first) / column_seconds) as usize) {
            *column += 1;
        }
    }
    Histogram { column_seconds, columns }
}

impl Histogram {
    /// One character for each column, the highest full; a column of nothing is a space.
    pub fn sparkline(&self) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let highest = self.columns.iter().max().copied().unwrap_or(0).max(1);
        let bar = |count: u64| match count {
            0 => ' ',
            _ => BARS[((count * 8).div_ceil(highest) - 1).min(7) as usize],
        };
        self.columns.iter().map(|count| bar(*count)).collect()
    }

    /// The most in one second, over the fullest column.
    pub fn per_second_max(&self) -> f64 {
        let highest = self.columns.iter().max().copied().unwrap_or(0);
        highest as f64 / self.column_seconds.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_somebody_waited() {
        let hundred = spread((1..=100).rev());
        assert_eq!(hundred, Spread { count: 100, p50_ms: 50, p95_ms: 95, p99_ms: 99, max_ms: 100 });
        let three = spread([30, 10, 20]);
        assert_eq!((three.p50_ms, three.p95_ms, three.max_ms), (20, 30, 30));
        assert_eq!(spread([7]), Spread { count: 1, p50_ms: 7, p95_ms: 7, p99_ms: 7, max_ms: 7 });
        assert_eq!(spread([]), Spread::default());
    }

    #[test]
    fn a_long_run_gets_wider_columns() {
        let events = || (0..120_u64).map(|second| Moment(second * 1_000));
        let short = histogram(events().take(10), 60);
        assert_eq!((short.column_seconds, short.columns.len()), (1, 10));
        let long = histogram(events(), 50);
        assert_eq!((long.column_seconds, long.columns.len()), (3, 40));
        assert_eq!(long.columns.iter().sum::<u64>(), 120);
        assert!((long.per_second_max() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn bars_are_in_proportion_and_nothing_is_seen_as_nothing() {
        let events = [0, 0, 0, 0, 2_500, 3_999, 3_000].map(Moment);
        assert_eq!(histogram(events, 60).sparkline(), "█ ▂▄");
        assert_eq!(histogram([], 60).sparkline(), "");
    }
}
