//! How long a step takes as its batch, its channels or its images grow, and the chart of it.

use std::error::Error;
use std::time::Duration;

use enscore::report::{Chart, Mark, Scale, Series};

use crate::runner::Runner;
use crate::workloads::Workload;

/// Median milliseconds of a run of the workload `name` where the extent along an axis is another: `words` are
/// the axis and the extent.
pub fn time(name: &str, words: &[&str], budget: Duration) -> Result<String, Box<dyn Error>> {
    let [axis, extent] = words else {
        return Err("a growth is asked for as NAME SECONDS AXIS EXTENT".into());
    };
    let workload = Workload::grown(name, axis, extent.parse()?)
        .ok_or_else(|| format!("no workload is called {name:?} and has {axis:?}"))?;
    Ok((Runner::drawn(&workload)?.time(budget)?.0 * 1e3).to_string())
}

/// A chart with log axes as SVG in one line, from `TITLE|X LABEL|Y LABEL|SERIES|SERIES..`, each series
/// `NAME;X,Y;X,Y..`.
pub fn chart(text: &str) -> Result<String, Box<dyn Error>> {
    let parts: Vec<&str> = text.split('|').collect();
    let [title, x_label, y_label, series @ ..] = &parts[..] else {
        return Err(format!("not a chart: {text:?}").into());
    };
    let chart = Chart {
        title: title.to_string(),
        x_label: x_label.to_string(),
        y_label: y_label.to_string(),
        x_scale: Scale::Log,
        y_scale: Scale::Log,
        series: series.iter().map(|series| read(series)).collect::<Result<_, _>>()?,
    };
    Ok(chart.picture()?.svg().to_string())
}

fn read(series: &str) -> Result<Series, Box<dyn Error>> {
    let mut parts = series.split(';');
    let name = parts.next().unwrap_or_default();
    let point = |part: &str| -> Result<(f64, f64), Box<dyn Error>> {
        let (x, y) = part.split_once(',').ok_or_else(|| format!("not a point: {part:?}"))?;
        Ok((x.parse()?, y.parse()?))
    };
    Ok(Series::new(name, &parts.map(point).collect::<Result<Vec<_>, _>>()?, Mark::Dots))
}
