//! The name of an attachment, as the header of its answer tells it.

/// Reads the attachment's name out of `attachment; filename=NAME`: not quoted by Kazoo (B13), which
/// other servers may do.
pub(super) fn attachment(disposition: &str) -> Option<String> {
    let (_, name) = disposition.split_once("filename=")?;
    let name = match name.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => name.split(';').next().unwrap_or_default().trim(),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed 4: the name is only a name, whatever it holds.
    #[test]
    fn observed_04_attachment_names() {
        #[track_caller]
        fn check(disposition: &str, expected: Option<&str>) {
            assert_eq!(attachment(disposition).as_deref(), expected);
        }
        check("attachment; filename=logo-a.png", Some("logo-a.png"));
        check(
            "attachment; filename=\"logo a.png\"; x=1",
            Some("logo a.png"),
        );
        check(
            "attachment; filename=logo-../../x.png",
            Some("logo-../../x.png"),
        );
        check("attachment; filename=", None);
        check("attachment", None);
    }
}
