//! One brand as text: what customers see, and which line of the tree declares it.

use std::fmt;

use super::page::{Page, Piece, Tone, piece, width};
use super::{Options, Rendered, visible};
use crate::model::count;
use crate::report::brand::{Brand, Part};
use crate::report::value;

/// The maximum width of an aligned column.
const WIDEST: usize = 44;

/// Renders a brand.
#[must_use]
pub fn brand(brand: &Brand, options: Options) -> Rendered<'_> {
    Rendered::new(options, move |page| write(page, brand))
}

fn write(page: &mut Page<'_>, brand: &Brand) -> fmt::Result {
    let heading = [
        piece(Tone::Heading, visible(brand.name.as_str())),
        piece(Tone::Plain, "  "),
        piece(Tone::Faint, visible(&brand.identity)),
    ];
    page.wrapped(0, 2, &heading)?;
    let company = brand.text("company_name").unwrap_or("no declared name");
    let domain = brand.text("domain").unwrap_or("no declared domain");
    let said = format!("{} at {}", visible(company), visible(domain));
    page.wrapped(0, 2, &[piece(Tone::Plain, said)])?;
    write_parts(page, "settings", &brand.settings, |value| {
        vec![value::inline(value)]
    })?;
    write_parts(page, "assets", &brand.assets, |asset| {
        let mut lines = vec![value::asset(&asset.facts)];
        lines.extend(asset.shown.clone());
        lines
    })?;
    write_records(page, brand)?;
    if !brand.undeclared.is_empty() {
        page.gap()?;
        let list = [
            piece(Tone::Heading, "not declared, stays as it is live: "),
            piece(Tone::Plain, visible(&brand.undeclared.join(", "))),
        ];
        page.wrapped(0, 2, &list)?;
    }
    page.gap()?;
    let below = match &brand.below {
        None => "below it: not asked; --sandbox or --api URL asks the platform".to_owned(),
        Some(Ok(0)) => "below it: no other account".to_owned(),
        Some(Ok(number)) => format!("below it: {}", count(*number, "account")),
        Some(Err(reason)) => format!("below it: could not be found out, {}", visible(reason)),
    };
    page.wrapped(0, 2, &[piece(Tone::Plain, below)])
}

fn write_parts<T>(
    page: &mut Page<'_>,
    title: &str,
    parts: &[Part<T>],
    lines: impl Fn(&T) -> Vec<String>,
) -> fmt::Result {
    if parts.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(0, &[piece(Tone::Heading, title)])?;
    let keys = parts.iter().map(|part| visible(&part.key).chars().count());
    let column = keys.max().unwrap_or(0).min(WIDEST);
    for part in parts {
        let key = format!("{:<column$}  ", visible(&part.key));
        let mut lines = match &part.value {
            Some(value) => lines(value).into_iter(),
            None => vec!["must not be there".to_owned()].into_iter(),
        };
        let line = [
            piece(Tone::Key, key),
            piece(Tone::Plain, lines.next().unwrap_or_default()),
        ];
        let origin = piece(
            Tone::Faint,
            format!(
                "({}:{}, {})",
                visible(part.origin.file.as_str()),
                part.origin.line,
                visible(&part.layer)
            ),
        );
        let hang = 2 + column + 2;
        let rest: Vec<Piece> = lines.map(|line| piece(Tone::Plain, line)).collect();
        let beside = [
            line[0].clone(),
            line[1].clone(),
            piece(Tone::Plain, "  "),
            origin.clone(),
        ];
        if page.fits(2, &beside) {
            page.line(2, &beside)?;
        } else if 2 + width(&line) + 2 <= page.options.width {
            page.line(2, &line)?;
            page.line(hang, std::slice::from_ref(&origin))?;
        } else {
            page.wrapped(2, hang, &line)?;
            page.wrapped(hang, hang, std::slice::from_ref(&origin))?;
        }
        for line in rest {
            page.wrapped(hang, hang, &[line])?;
        }
    }
    Ok(())
}

fn write_records(page: &mut Page<'_>, brand: &Brand) -> fmt::Result {
    page.gap()?;
    let mode = [
        piece(Tone::Heading, "dns"),
        piece(Tone::Plain, format!(": {}", brand.dns)),
    ];
    page.line(0, &mode)?;
    let names = brand
        .records
        .iter()
        .map(|(name, _)| visible(name).chars().count());
    let column = names.max().unwrap_or(0).min(WIDEST);
    for (name, record) in &brand.records {
        let line = [
            piece(Tone::Key, format!("{:<column$}  ", visible(name))),
            piece(Tone::Plain, visible(record)),
        ];
        page.wrapped(2, 6, &line)?;
    }
    Ok(())
}
