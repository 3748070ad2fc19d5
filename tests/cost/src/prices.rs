//! The platform's published prices: one table. Workers Paid, in US dollars, without its basic fee of 5 dollars a month. Read on the day that
//! [`READ_ON`] says; the pages may say something else by now, and this table is the only thing to change then.

/// When the pages were read.
pub const READ_ON: &str = "2026-11-23";

const WORKERS: &str = "https://developers.cloudflare.com/workers/platform/pricing/";
const OBJECTS: &str = "https://developers.cloudflare.com/durable-objects/platform/pricing/";
const BUCKETS: &str = "https://developers.cloudflare.com/r2/pricing/";

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A request that reaches a Worker.
    WorkerRequest,
    /// A millisecond of a Worker's CPU time.
    WorkerCpuMs,
    /// A call to an object, or an alarm of its own.
    ObjectRequest,
    /// A second during which an object is awake, times its memory in gigabytes.
    ObjectGbSecond,
    /// A row that an object's storage reads.
    RowRead,
    /// A row written or deleted; an alarm that is set is one.
    RowWritten,
    /// A write to a bucket (class A).
    BucketWrite,
    /// A read of a bucket (class B). What the CDN has is not read from it.
    BucketRead,
}

/// What a million of them costs, and how many a month are in the basic fee.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    /// Of what.
    pub unit: Unit,
    /// Its name, for people and machines.
    pub name: &'static str,
    /// Dollars for a million.
    pub usd_per_million: f64,
    /// So many a month are included.
    pub included_per_month: f64,
    /// Where it is published.
    pub source: &'static str,
}

/// The table.
pub const PRICES: [Price; 8] = [
    price(Unit::WorkerRequest, "worker_requests", 0.30, 10e6, WORKERS),
    price(Unit::WorkerCpuMs, "worker_cpu_ms", 0.02, 30e6, WORKERS),
    price(Unit::ObjectRequest, "object_requests", 0.15, 1e6, OBJECTS),
    price(Unit::ObjectGbSecond, "object_gb_seconds", 12.50, 400e3, OBJECTS),
    price(Unit::RowRead, "rows_read", 0.001, 25e9, OBJECTS),
    price(Unit::RowWritten, "rows_written", 1.00, 50e6, OBJECTS),
    price(Unit::BucketWrite, "bucket_writes", 4.50, 1e6, BUCKETS),
    price(Unit::BucketRead, "bucket_reads", 0.36, 10e6, BUCKETS),
];

/// An object is billed with this much memory, whatever it uses (`OBJECTS`).
pub const OBJECT_GB: f64 = 0.128;

const fn price(
    unit: Unit,
    name: &'static str,
    usd_per_million: f64,
    included_per_month: f64,
    source: &'static str,
) -> Price {
    Price { unit, name, usd_per_million, included_per_month, source }
}

/// The price of a unit.
pub fn price_of(unit: Unit) -> &'static Price {
    // The table has every unit: a test says so.
    PRICES.iter().find(|price| price.unit == unit).unwrap_or(&PRICES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_one_price() {
        let units = [
            Unit::WorkerRequest,
            Unit::WorkerCpuMs,
            Unit::ObjectRequest,
            Unit::ObjectGbSecond,
            Unit::RowRead,
            Unit::RowWritten,
            Unit::BucketWrite,
            Unit::BucketRead,
        ];
        for unit in units {
            assert_eq!(PRICES.iter().filter(|price| price.unit == unit).count(), 1, "{unit:?}");
            assert_eq!(price_of(unit).unit, unit);
        }
    }
}
