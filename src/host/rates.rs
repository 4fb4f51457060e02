//! How often one may ask: token buckets, bounded in number.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    time::{Duration, Instant},
};

/// The most buckets of one kind. Who comes after that shares one.
const MAX_BUCKETS: usize = 50_000;

/// Who asks: an IPv4 address, or the /64 network of an IPv6 address, which one customer has as a whole.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        },
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// So many a minute for each key, all of them at once if need be.
pub struct Rate<K> {
    per_minute: f64,
    buckets: HashMap<K, Bucket>,
    shared: Bucket,
}

impl<K: Eq + Hash> Rate<K> {
    /// So many a minute.
    pub fn new(per_minute: u32, now: Instant) -> Rate<K> {
        let per_minute = f64::from(per_minute);
        Rate { per_minute, buckets: HashMap::new(), shared: Bucket { left: per_minute, at: now } }
    }

    /// Takes one. If there is none left: how long until there is.
    ///
    /// # Errors
    ///
    /// Too many: when to come again.
    pub fn take(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        let (full, per_second) = (self.per_minute, self.per_minute / 60.0);
        let refilled = |bucket: &Bucket| {
            (bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * per_second).min(full)
        };
        if self.buckets.len() >= MAX_BUCKETS && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| refilled(bucket) < full);
        }
        let bucket = match self.buckets.len() < MAX_BUCKETS || self.buckets.contains_key(&key) {
            true => self.buckets.entry(key).or_insert(Bucket { left: full, at: now }),
            false => &mut self.shared,
        };
        *bucket = Bucket { left: refilled(bucket), at: now };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.left) / per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_and_then_it_is_said_when() {
        let start = Instant::now();
        let mut rate = Rate::new(60, start);
        for _ in 0..60 {
            rate.take("a", start).unwrap();
        }
        assert_eq!(rate.take("a", start), Err(Duration::from_secs(1)));
        rate.take("b", start).unwrap();
        rate.take("a", start + Duration::from_secs(1)).unwrap();
        assert!(rate.take("a", start + Duration::from_secs(1)).is_err());
        // A day later the bucket is full, not fuller.
        let later = start + Duration::from_secs(86_400);
        assert_eq!((0..100).filter(|_| rate.take("a", later).is_ok()).count(), 60);
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let mut rate = Rate::new(2, now);
        for n in 0..MAX_BUCKETS + 10 {
            let _ = rate.take(n, now);
        }
        assert_eq!(rate.buckets.len(), MAX_BUCKETS);
        assert!(rate.take(usize::MAX, now).is_err(), "who comes later shares what is left");
        // Buckets that are full again make room.
        rate.take(usize::MAX, now + Duration::from_secs(60)).unwrap();
        assert_eq!(rate.buckets.len(), 1);
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let at = |text: &str| network(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
