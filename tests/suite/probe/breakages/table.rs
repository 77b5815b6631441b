//! What can hide a brand, and what is to be seen of it.

use emblazon::probe::{BrandView, CheckKind, Visibility};

use super::scenario::{Cert, Plain, Scenario};
use super::server::{Asked, Reply};

/// Something broken, and the verdict on it.
pub(crate) struct Breakage {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&mut Scenario),
    /// The first check that is not visible, with its verdict; `None` where everything is.
    pub(crate) told: Option<(CheckKind, Visibility)>,
    pub(crate) view: BrandView,
}

pub(super) const fn broken(
    name: &'static str,
    kind: CheckKind,
    view: BrandView,
    make: fn(&mut Scenario),
) -> Breakage {
    Breakage {
        name,
        make,
        told: Some((kind, Visibility::Broken)),
        view,
    }
}

pub(super) const fn unknown(
    name: &'static str,
    kind: CheckKind,
    make: fn(&mut Scenario),
) -> Breakage {
    Breakage {
        name,
        make,
        told: Some((kind, Visibility::Unknown)),
        view: BrandView::Unknown,
    }
}

pub(super) const fn fine(name: &'static str, make: fn(&mut Scenario)) -> Breakage {
    Breakage {
        name,
        make,
        told: None,
        view: Declared,
    }
}

/// Replaces `js/config.js`.
pub(super) fn configured(asked: &Asked, reply: &mut Reply, text: &str) {
    if asked.path.starts_with("/js/config.js") {
        *reply = Reply::new(200, "text/javascript", text);
    }
}

pub(super) fn is_page(asked: &Asked) -> bool {
    asked.path == "/"
}

/// Whether it is asked for the document or for its assets.
fn is_asset(asked: &Asked, kind: &str) -> bool {
    asked.method == "GET"
        && asked
            .path
            .split('?')
            .next()
            .unwrap_or_default()
            .ends_with(kind)
}

fn is_document(asked: &Asked) -> bool {
    asked.method == "GET" && !is_asset(asked, "/logo") && !is_asset(asked, "/icon")
}

fn is_preflight(asked: &Asked) -> bool {
    asked.method == "OPTIONS"
}

/// Replaces text in the document.
fn rewritten(asked: &Asked, reply: &mut Reply, from: &str, to: &str) {
    if is_document(asked) {
        let text = String::from_utf8(reply.body.clone()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        reply.body = text.replace(from, to).into_bytes();
    }
}

/// Answers with a status, as the platform does: with its CORS headers.
fn refused(reply: &mut Reply, status: u16) {
    reply.status = status;
    reply.body = br#"{"data":{},"status":"error"}"#.to_vec();
}

pub(crate) const HERE: &str = "define({ api: { default: 'https://api.example.com:8443/v2/' }, whitelabel: { companyName: 'The Vendor' } });";

use BrandView::{Declared, Different, Nothing, OtherPage, Vendor};

/// One thing broken at a time.
pub(crate) const BREAKAGES: &[Breakage] = &[
    fine("nothing is broken", |_| {}),
    fine("the certificate ends in a week", |it| {
        it.ui = Cert::EndsSoon;
    }),
    fine("the configuration is written by hand", |it| {
        it.change_ui = Some(|asked, reply| configured(asked, reply, HERE));
    }),
    fine("a policy lets the page ask the API", |it| {
        it.change_ui = Some(|_, reply| {
            reply.set(
                "content-security-policy",
                // Monster UI compiles its templates in the browser, unless they were built in.
                "default-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' https://api.example.com:8443; img-src https:",
            );
        });
    }),
    fine("the document's domain has capitals", |it| {
        it.change_api = Some(|asked, reply| {
            rewritten(
                asked,
                reply,
                "\"portal.northwind.example\"",
                "\"Portal.Northwind.Example\"",
            );
        });
    }),
    // ---- the page's host
    broken(
        "the name does not resolve",
        CheckKind::Names,
        Nothing,
        |it| it.ui_has_name = false,
    ),
    broken("the port is closed", CheckKind::Port, Nothing, |it| {
        it.ui = Cert::NoPort;
    }),
    broken(
        "the certificate has expired",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::Expired,
    ),
    broken(
        "the certificate is of the future",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::NotYet,
    ),
    broken(
        "the certificate is for another name",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::WrongName,
    ),
    broken(
        "the chain is incomplete",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::Alone,
    ),
    broken(
        "nobody knows the authority",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::Stranger,
    ),
    broken(
        "the port speaks http",
        CheckKind::Certificate,
        Nothing,
        |it| it.ui = Cert::ClearText,
    ),
    // ---- clear text
    broken(
        "nothing listens at port 80",
        CheckKind::Redirect,
        Declared,
        |it| it.plain = Plain::NoPort,
    ),
    broken(
        "the page is served in clear text, too",
        CheckKind::Redirect,
        Declared,
        |it| it.plain = Plain::Page,
    ),
    broken(
        "clear text leads elsewhere",
        CheckKind::Redirect,
        Declared,
        |it| it.plain = Plain::RedirectElsewhere,
    ),
    // ---- the page
    broken(
        "the page is not Monster UI",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_page(asked) {
                    *reply = Reply::new(200, "text/html", "<h1>Welcome to nginx!</h1>");
                }
            });
        },
    ),
    broken("the page is not found", CheckKind::Page, OtherPage, |it| {
        it.change_ui = Some(|_, reply| *reply = Reply::new(404, "text/html", "not found"));
    }),
    broken("the web server fails", CheckKind::Page, OtherPage, |it| {
        it.change_ui = Some(|_, reply| *reply = Reply::new(502, "text/html", "bad gateway"));
    }),
    broken(
        "there is no configuration",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if asked.path.starts_with("/js/config.js") {
                    *reply = Reply::new(404, "text/html", "not found");
                }
            });
        },
    ),
    broken(
        "the configuration is a page",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui =
                Some(|asked, reply| configured(asked, reply, "<!DOCTYPE html><html></html>"));
        },
    ),
    broken(
        "the configuration names no API",
        CheckKind::ApiPort,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                configured(
                    asked,
                    reply,
                    "define({ whitelabel: { companyName: 'The Vendor' } });",
                );
            });
        },
    ),
    broken(
        "api.default has no slash at its end",
        CheckKind::Config,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                configured(asked, reply, &HERE.replace("/v2/", "/v2"));
            });
        },
    ),
    // ---- what the browser allows
    broken(
        "the page asks in clear text",
        CheckKind::MixedContent,
        Vendor,
        |it| {
            it.change_ui =
                Some(|asked, reply| configured(asked, reply, &HERE.replace("https", "http")));
        },
    ),
    broken(
        "a header blocks calls to the API",
        CheckKind::ContentPolicy,
        Vendor,
        |it| {
            it.change_ui = Some(|_, reply| {
                reply.set("content-security-policy", "connect-src 'self'");
            });
        },
    ),
    broken(
        "a header blocks the page's own words",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            it.change_ui = Some(|_, reply| {
                reply.set(
                    "content-security-policy",
                    "connect-src https://api.example.com:8443",
                );
            });
        },
    ),
    broken(
        "the page forbids itself to ask the API",
        CheckKind::ContentPolicy,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_page(asked) {
                    let text = String::from_utf8(reply.body.clone()).unwrap();
                    let meta = "<head><meta http-equiv=\"Content-Security-Policy\" content=\"connect-src 'self'\">";
                    reply.body = text.replace("<head>", meta).into_bytes();
                }
            });
        },
    ),
    // ---- the API's host
    broken(
        "the API's name does not resolve",
        CheckKind::ApiNames,
        Vendor,
        |it| it.api_has_name = false,
    ),
    broken(
        "the API's port is closed",
        CheckKind::ApiPort,
        Vendor,
        |it| it.api = Cert::NoPort,
    ),
    broken(
        "the API's certificate has expired",
        CheckKind::ApiCertificate,
        Vendor,
        |it| it.api = Cert::Expired,
    ),
    broken(
        "the API's certificate is for another name",
        CheckKind::ApiCertificate,
        Vendor,
        |it| it.api = Cert::WrongName,
    ),
    broken(
        "the API's chain is incomplete",
        CheckKind::ApiCertificate,
        Vendor,
        |it| it.api = Cert::Alone,
    ),
    broken(
        "the API speaks http",
        CheckKind::ApiCertificate,
        Vendor,
        |it| it.api = Cert::ClearText,
    ),
    broken(
        "the page asks a host that is not the API",
        CheckKind::ApiPort,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let text = HERE.replace("api.example.com:8443", "portal.northwind.example:8000");
                configured(asked, reply, &text);
            });
        },
    ),
    // ---- CORS
    broken(
        "no answer allows other origins",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(|_, reply| reply.without("access-control-allow-origin"));
        },
    ),
    broken("a proxy refuses OPTIONS", CheckKind::Cors, Vendor, |it| {
        it.change_api = Some(|asked, reply| {
            if is_preflight(asked) {
                reply.status = 405;
            }
        });
    }),
    broken("a header is not allowed", CheckKind::Cors, Vendor, |it| {
        it.change_api = Some(|_, reply| {
            reply.set("access-control-allow-headers", "Content-Type, Accept");
        });
    }),
    broken("another origin is allowed", CheckKind::Cors, Vendor, |it| {
        it.change_api = Some(|_, reply| {
            reply.set(
                "access-control-allow-origin",
                "https://portal.harbor.example",
            );
        });
    }),
    broken("origins are allowed twice", CheckKind::Cors, Vendor, |it| {
        it.change_api = Some(|_, reply| {
            let again = ("access-control-allow-origin".to_owned(), "*".to_owned());
            reply.headers.push(again);
        });
    }),
    broken(
        "only the preflight allows other origins",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| {
                if !is_preflight(asked) {
                    reply.without("access-control-allow-origin");
                }
            });
        },
    ),
    // ---- the document
    broken("too many requests", CheckKind::RateLimit, Vendor, |it| {
        it.change_api = Some(|asked, reply| {
            if is_document(asked) {
                refused(reply, 429);
            }
        });
    }),
    broken("the platform fails", CheckKind::Document, Vendor, |it| {
        it.change_api = Some(|asked, reply| {
            if is_document(asked) {
                refused(reply, 500);
            }
        });
    }),
    broken(
        "the platform knows no such brand",
        CheckKind::Document,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| {
                if is_document(asked) {
                    refused(reply, 404);
                }
            });
        },
    ),
    broken("the answer is a page", CheckKind::Document, Vendor, |it| {
        it.change_api = Some(|asked, reply| {
            if is_document(asked) {
                reply.body = b"<html>log in to the hotel's network</html>".to_vec();
            }
        });
    }),
    broken(
        "the document is of another host",
        CheckKind::Domain,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| {
                rewritten(
                    asked,
                    reply,
                    "\"portal.northwind.example\"",
                    "\"northwind.example\"",
                );
            });
        },
    ),
    broken(
        "the document is not the declared one",
        CheckKind::Document,
        Different,
        |it| {
            it.change_api = Some(|asked, reply| {
                rewritten(asked, reply, "Northwind Telecom", "Somebody Else");
            });
        },
    ),
    // ---- the assets
    broken(
        "the logo has other bytes",
        CheckKind::Logo,
        Different,
        |it| {
            it.change_api = Some(|asked, reply| {
                if is_asset(asked, "/logo") {
                    reply.body.push(0);
                }
            });
        },
    ),
    broken("there is no logo", CheckKind::Logo, Different, |it| {
        it.change_api = Some(|asked, reply| {
            if is_asset(asked, "/logo") {
                refused(reply, 404);
            }
        });
    }),
    broken(
        "the logo may not be read",
        CheckKind::Logo,
        Different,
        |it| {
            it.change_api = Some(|asked, reply| {
                if is_asset(asked, "/logo") {
                    reply.without("access-control-allow-origin");
                }
            });
        },
    ),
    broken("there is no icon", CheckKind::Icon, Different, |it| {
        it.change_api = Some(|asked, reply| {
            if is_asset(asked, "/icon") {
                refused(reply, 404);
            }
        });
    }),
];
