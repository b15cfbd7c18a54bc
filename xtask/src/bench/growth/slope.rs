//! How does time grow with size?

/// Sizes, and the time that each of them took.
pub(super) type Points = [(usize, f64)];

/// The larger points: from a tenth of the largest on. What a request costs in any case hides the growth of the smaller ones.
pub(super) fn larger(points: &Points) -> Vec<(usize, f64)> {
    let largest = points.iter().map(|(size, _)| *size).max().unwrap_or_default();
    points.iter().copied().filter(|(size, _)| size.saturating_mul(10) >= largest).collect()
}

/// The exponent: of least squares through the logarithms of the larger points. Nothing, where there are not two,
/// or where something took no time.
pub(super) fn slope(points: &Points) -> Option<f64> {
    let logs: Vec<(f64, f64)> = larger(points).iter().map(|(size, time)| ((*size as f64).ln(), time.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let across: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    let along: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (across > 0.0).then(|| along / across).filter(|slope| slope.is_finite())
}

/// The slope in words. A tenth to either side is what a busy machine makes of the same growth.
pub(super) fn words(slope: f64) -> &'static str {
    match slope {
        ..0.1 => "flat",
        ..0.9 => "less than linear",
        ..=1.1 => "linear",
        _ => "worse than linear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_found() {
        let of = |time: fn(f64) -> f64| [1, 10, 20, 50, 100].map(|size| (size, time(f64::from(size)))).to_vec();
        let of = |time| of(time).into_iter().map(|(size, time)| (size as usize, time)).collect::<Vec<_>>();
        // the points, the slope to a hundredth, in words
        let table = [
            (of(|_| 7.0), "0.00", "flat"),
            (of(|x| 3.0 * x), "1.00", "linear"),
            (of(|x| x * x), "2.00", "worse than linear"),
            (of(f64::sqrt), "0.50", "less than linear"),
            // What comes first is not looked at.
            (vec![(1, 900.0), (100, 1.0), (1_000, 10.0)], "1.00", "linear"),
        ];
        for (points, expected, said) in table {
            let slope = slope(&points).expect("a slope");
            assert_eq!((format!("{slope:.2}").as_str(), words(slope)), (expected, said), "{points:?}");
        }
        for points in [vec![], vec![(1, 1.0)], vec![(1, 1.0), (100, 2.0)], vec![(1, -1.0), (2, 1.0)]] {
            assert_eq!(slope(&points), None, "{points:?}");
        }
    }
}
