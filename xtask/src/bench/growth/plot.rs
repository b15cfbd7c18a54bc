//! How does growth look? A plot of an axis as SVG, which needs no fonts until somebody looks at it.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;

use super::{Curve, slope};

/// Reads well beside text, and is sharp in any size.
const SIZE: (u32, u32) = (760, 440);
/// Dark enough on white, and told apart by who sees colors differently.
const COLORS: [RGBColor; 4] =
    [RGBColor(0, 90, 181), RGBColor(204, 85, 0), RGBColor(17, 119, 80), RGBColor(136, 34, 136)];
/// The color of curves for what is not the work of the policy.
const UNSEEN: RGBColor = RGBColor(90, 90, 90);
const GRAY: RGBColor = RGBColor(150, 150, 150);

/// Writes the plot of these curves: both axes logarithmic, so that what is linear has the slope of the gray lines.
pub(super) fn write(file: &Path, what: &str, curves: &[Curve]) -> Result<()> {
    drawn(file, what, curves)
        .map_err(|problem| anyhow!("{problem}"))
        .with_context(|| format!("cannot draw {}", file.display()))
}

fn drawn(file: &Path, what: &str, curves: &[Curve]) -> Result<(), Box<dyn std::error::Error>> {
    let points =
        || curves.iter().flat_map(|curve| &curve.points).map(|(size, micros)| (*size as f64, micros / 1_000.0));
    let bounds = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)))
    };
    let (left, right) = bounds(&mut points().map(|(size, _)| size));
    let (bottom, top) = bounds(&mut points().map(|(_, ms)| ms));
    let (left, right) = (left * 0.8, right * 1.25);
    let (bottom, top) = (decade(bottom, f64::floor), decade(top, f64::ceil));

    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .bold_line_style(GRAY.mix(0.35))
        .light_line_style(TRANSPARENT)
        .x_desc(what)
        .y_desc("processor time of one evaluation, ms")
        .x_label_formatter(&|size| short(*size))
        .y_label_formatter(&|ms| short(*ms))
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .draw()?;
    // What is linear runs along these.
    let mut start = bottom * bottom / top;
    while start < top {
        let line = [(left, start), (right, start * right / left)];
        chart.draw_series(LineSeries::new(clipped(line, bottom, top), GRAY.mix(0.5)))?;
        start *= 10.0;
    }
    // The last one is the host's share.
    let (policy, unseen) = curves.split_at(curves.len().saturating_sub(1));
    for (curve, color) in policy.iter().zip(COLORS).chain(unseen.iter().map(|curve| (curve, UNSEEN))) {
        let points: Vec<(f64, f64)> =
            curve.points.iter().map(|(size, micros)| (*size as f64, micros / 1_000.0)).collect();
        let label = match slope::slope(&curve.points) {
            Some(slope) => format!("{} (slope {slope:.2})", curve.series),
            None => curve.series.to_owned(),
        };
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.9))
        .border_style(GRAY)
        .label_font(("sans-serif", 13))
        .draw()?;
    root.present()?;
    Ok(())
}

/// The power of ten that is next to this.
fn decade(value: f64, round: fn(f64) -> f64) -> f64 {
    10_f64.powf(round(value.log10()))
}

/// The part of a line of slope 1 that is between bottom and top.
fn clipped([from, to]: [(f64, f64); 2], bottom: f64, top: f64) -> [(f64, f64); 2] {
    let at = |y: f64| (from.0 * y / from.1, y);
    [if from.1 < bottom { at(bottom) } else { from }, if to.1 > top { at(top) } else { to }]
}

/// A number as it is written at an axis.
fn short(value: f64) -> String {
    match value {
        1_000_000.0.. => format!("{}M", value / 1_000_000.0),
        1_000.0.. => format!("{}k", value / 1_000.0),
        _ => format!("{value}"),
    }
}
