//! The name of an attachment, from the header of its answer.

/// Reads the attachment's name from `attachment; filename=NAME`. Kazoo does not quote it (B13), but other servers may.
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
