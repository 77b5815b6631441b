//! What web servers, proxies and people's edits do to the page, its scripts and its calls.

use emblazon::probe::BrandView::{Nothing, OtherPage, Vendor};
use emblazon::probe::CheckKind;

use super::scenario::Scenario;
use super::server::{Asked, Reply};
use super::table::{Breakage, HERE, broken, configured, fine, is_page, unknown};

/// Puts something at the beginning of the page's head.
fn in_head(asked: &Asked, reply: &mut Reply, text: &str) {
    if is_page(asked) {
        reply.replace("<head>", &format!("<head>{text}"));
    }
}

fn is_program(asked: &Asked) -> bool {
    asked.path.starts_with("/js/main.js")
}

fn is_config(asked: &Asked) -> bool {
    asked.path.starts_with("/js/config.js")
}

/// Leads elsewhere what is asked for, but not the browser's question before.
fn led(asked: &Asked, reply: &mut Reply, to: &str) {
    if asked.method != "OPTIONS" {
        reply.status = 302;
        reply.set("location", to);
    }
}

/// Leads to a path of the other API.
fn led_to_other(asked: &Asked, reply: &mut Reply) {
    led(
        asked,
        reply,
        &format!("https://other.example.com:8443{}", asked.path),
    );
}

/// Leads once to the same path with a query.
fn led_once(asked: &Asked, reply: &mut Reply) {
    if !asked.path.contains("once") {
        led(asked, reply, &format!("{}?once", asked.path));
    }
}

fn with_policy(scenario: &mut Scenario, change: super::server::Change) {
    scenario.change_ui = Some(change);
}

const REFRESH: &str =
    "<meta http-equiv=\"refresh\" content=\"0; url=https://other.example.com:8443/\">";
const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"connect-src 'self'\">";

/// One thing changed at a time.
pub(super) const BREAKAGES: &[Breakage] = &[
    // ---- the page
    broken(
        "Monster UI stands in a comment",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_page(asked) {
                    reply.replace("<body>", "<body><h1>It works!</h1><!--");
                    reply.replace("</body>", "--></body>");
                }
            });
        },
    ),
    broken(
        "a header leads elsewhere",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_page(asked) {
                    reply.set("refresh", "0; url=https://other.example.com:8443/");
                }
            });
        },
    ),
    broken(
        "the page leads elsewhere",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| in_head(asked, reply, REFRESH));
        },
    ),
    fine("the page leads elsewhere without scripts", |it| {
        it.change_ui = Some(|asked, reply| {
            in_head(asked, reply, &format!("<noscript>{REFRESH}</noscript>"));
        });
    }),
    fine("the page leads elsewhere in an hour", |it| {
        it.change_ui = Some(|asked, reply| {
            in_head(asked, reply, &REFRESH.replace("0; url", "3600; url"));
        });
    }),
    fine("the page leads elsewhere within its host", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                led_once(asked, reply);
            }
        });
    }),
    broken("the page leads to itself", CheckKind::Page, Nothing, |it| {
        it.change_ui = Some(|asked, reply| led(asked, reply, "/"));
    }),
    unknown(
        "the page leads to itself with a cookie",
        CheckKind::Page,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let has_cookie = asked.headers.iter().any(|(name, _)| name == "cookie");
                if is_page(asked) && !has_cookie {
                    led(asked, reply, "/");
                    reply.set("set-cookie", "seen=1");
                }
            });
        },
    ),
    fine("the page has the status of an error", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.status = 404;
            }
        });
    }),
    broken("the page is text", CheckKind::Page, OtherPage, |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.set("content-type", "text/plain");
            }
        });
    }),
    fine("the page has no type", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.without("content-type");
            }
        });
    }),
    broken(
        "the page has no type, and none may be guessed",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_page(asked) {
                    reply.without("content-type");
                    reply.set("x-content-type-options", "nosniff");
                }
            });
        },
    ),
    unknown("the page is XHTML", CheckKind::Page, |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.set("content-type", "application/xhtml+xml");
            }
        });
    }),
    broken("the page is saved", CheckKind::Page, OtherPage, |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.set("content-disposition", "attachment; filename=index.html");
            }
        });
    }),
    fine("everything is compressed", |it| {
        it.change_ui = Some(|_, reply| reply.gzip());
        it.change_api = Some(|_, reply| reply.gzip());
    }),
    unknown("the page is compressed otherwise", CheckKind::Page, |it| {
        it.change_ui = Some(|_, reply| reply.set("content-encoding", "br"));
    }),
    // ---- its base
    fine("the page names its base", |it| {
        it.change_ui = Some(|asked, reply| in_head(asked, reply, "<base href=\"/\">"));
    }),
    broken(
        "the page names a base without scripts",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| in_head(asked, reply, "<base href=\"/ui/\">"));
        },
    ),
    unknown(
        "the page names another host as its base",
        CheckKind::Page,
        |it| {
            it.change_ui = Some(|asked, reply| {
                in_head(
                    asked,
                    reply,
                    "<base href=\"https://other.example.com:8443/\">",
                );
            });
        },
    ),
    fine("a policy keeps the page from another base", |it| {
        it.change_ui = Some(|asked, reply| {
            reply.set("content-security-policy", "base-uri 'self'");
            in_head(
                asked,
                reply,
                "<base href=\"https://other.example.com:8443/\">",
            );
        });
    }),
    // ---- its policy
    broken(
        "a policy blocks scripts",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            with_policy(it, |_, reply| {
                reply.set("content-security-policy", "script-src 'none'");
            });
        },
    ),
    broken(
        "a policy blocks everything but the API",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            with_policy(it, |_, reply| {
                reply.set(
                    "content-security-policy",
                    "default-src 'none'; connect-src *",
                );
            });
        },
    ),
    broken(
        "a policy lets only certain scripts in",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            with_policy(it, |_, reply| {
                reply.set(
                    "content-security-policy",
                    "script-src 'self' 'strict-dynamic' 'nonce-abc'",
                );
            });
        },
    ),
    fine("a policy lets just these scripts in", |it| {
        it.change_ui = Some(|asked, reply| {
            reply.set(
                "content-security-policy",
                "script-src 'strict-dynamic' 'nonce-abc'",
            );
            if is_page(asked) {
                reply.replace("<script ", "<script nonce=abc ");
            }
        });
    }),
    broken(
        "a policy wants trusted types",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            with_policy(it, |_, reply| {
                reply.set(
                    "content-security-policy",
                    "require-trusted-types-for 'script'",
                );
            });
        },
    ),
    broken(
        "a policy puts the page into a sandbox",
        CheckKind::ContentPolicy,
        OtherPage,
        |it| {
            with_policy(it, |_, reply| {
                reply.set("content-security-policy", "sandbox allow-same-origin");
            });
        },
    ),
    unknown(
        "a policy takes the page's origin",
        CheckKind::ContentPolicy,
        |it| {
            with_policy(it, |_, reply| {
                reply.set("content-security-policy", "sandbox allow-scripts");
            });
        },
    ),
    fine("a sandbox that the page asks for itself", |it| {
        it.change_ui = Some(|asked, reply| {
            in_head(
                asked,
                reply,
                &POLICY.replace("connect-src 'self'", "sandbox"),
            );
        });
    }),
    fine("a policy stands in a comment", |it| {
        it.change_ui = Some(|asked, reply| {
            in_head(asked, reply, &format!("<!-- {POLICY} -->"));
        });
    }),
    fine("a policy stands in the body", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_page(asked) {
                reply.replace("<body>", &format!("<body><p>{POLICY}"));
            }
        });
    }),
    fine("a policy turns clear text into TLS", |it| {
        it.change_ui = Some(|asked, reply| {
            in_head(
                asked,
                reply,
                &POLICY.replace("connect-src 'self'", "upgrade-insecure-requests"),
            );
            configured(asked, reply, &HERE.replace("https", "http"));
        });
    }),
    // ---- its scripts
    broken(
        "the program is not there",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_program(asked) {
                    *reply = Reply::new(404, "text/html", "not found");
                }
            });
        },
    ),
    broken(
        "the program has the type of a page",
        CheckKind::Page,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                reply.set("x-content-type-options", "nosniff");
                if is_program(asked) {
                    reply.set("content-type", "text/html");
                }
            });
        },
    ),
    broken(
        "the configuration has the type of text",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_config(asked) {
                    reply.set("content-type", "text/plain");
                    reply.set("x-content-type-options", "nosniff");
                }
            });
        },
    ),
    broken(
        "the configuration has the type of a picture",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_config(asked) {
                    reply.set("content-type", "image/png");
                }
            });
        },
    ),
    fine("the configuration's type is guessed", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_config(asked) {
                reply.set("content-type", "text/plain");
            }
        });
    }),
    fine("the configuration leads elsewhere within its host", |it| {
        it.change_ui = Some(|asked, reply| {
            if is_config(asked) {
                led_once(asked, reply);
            }
        });
    }),
    unknown(
        "the configuration leads elsewhere",
        CheckKind::Config,
        |it| {
            it.change_ui = Some(|asked, reply| {
                if is_config(asked) {
                    led_to_other(asked, reply);
                }
            });
        },
    ),
    // ---- the configuration
    fine("the configuration has escapes", |it| {
        it.change_ui = Some(|asked, reply| {
            let text = HERE
                .replace("https://", r"https:\u002f\x2f")
                .replace("/v2/", r"\/v2\u{2F}");
            configured(asked, reply, &text);
        });
    }),
    fine("the configuration is mended further down", |it| {
        it.change_ui = Some(|asked, reply| {
            let text = HERE.replace(
                "define({",
                "define({ api: { default: 'https://old.example/' },",
            );
            configured(asked, reply, &text);
        });
    }),
    broken(
        "the configuration names an API once more",
        CheckKind::ApiPort,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let text = HERE.replace(
                    "default: 'https://api.example.com:8443/v2/'",
                    "default: 'https://api.example.com:8443/v2/', default: 'https://portal.northwind.example:8000/v2/'",
                );
                configured(asked, reply, &text);
            });
        },
    ),
    broken(
        "the configuration changes the API afterwards",
        CheckKind::ApiPort,
        Vendor,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let text = HERE.replace("define(", "define(function () {\n  var config = ").replace(
                    ");",
                    ";\n  config.api.default = 'https://' + location.hostname + ':8000/v2/';\n  return config;\n});",
                );
                configured(asked, reply, &text);
            });
        },
    ),
    unknown(
        "the configuration asks something",
        CheckKind::Config,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let text = HERE.replace("default: ", "default: window.api || ");
                configured(asked, reply, &text);
            });
        },
    ),
    broken(
        "the configuration lacks a comma",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                configured(asked, reply, &HERE.replace("},", "}"));
            });
        },
    ),
    broken(
        "the configuration lacks a quote",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                configured(asked, reply, &HERE.replace("/v2/'", "/v2/"));
            });
        },
    ),
    broken(
        "the configuration returns nothing",
        CheckKind::Config,
        OtherPage,
        |it| {
            it.change_ui = Some(|asked, reply| {
                let text = HERE.replace("define(", "define(function () {\n  return\n  ");
                configured(asked, reply, &text.replace(");", ";\n});"));
            });
        },
    ),
    // ---- the API leads elsewhere
    fine("the API leads elsewhere within its host", |it| {
        it.change_api = Some(led_once);
    }),
    fine("the API leads to another host", |it| {
        it.change_api = Some(led_to_other);
    }),
    broken(
        "the API leads to a host that allows only this page",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(led_to_other);
            it.change_other = Some(|_, reply| {
                reply.set(
                    "access-control-allow-origin",
                    "https://portal.northwind.example",
                );
            });
        },
    ),
    broken(
        "the API leads elsewhere without allowing it",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| {
                led_to_other(asked, reply);
                if asked.method != "OPTIONS" {
                    reply.without("access-control-allow-origin");
                }
            });
        },
    ),
    broken(
        "the API leads to a host that allows no question",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(led_to_other);
            it.change_other = Some(|asked, reply| {
                if asked.method == "OPTIONS" {
                    reply.status = 405;
                }
            });
        },
    ),
    broken(
        "the API leads to clear text",
        CheckKind::MixedContent,
        Vendor,
        |it| {
            it.change_api =
                Some(|asked, reply| led(asked, reply, "http://other.example.com:8443/v2/"));
        },
    ),
    broken(
        "the API leads where a policy forbids",
        CheckKind::ContentPolicy,
        Vendor,
        |it| {
            it.change_ui = Some(|_, reply| {
                reply.set(
                    "content-security-policy",
                    "connect-src 'self' https://api.example.com:8443",
                );
            });
            it.change_api = Some(led_to_other);
        },
    ),
    broken(
        "the API leads to itself",
        CheckKind::Document,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| led(asked, reply, &asked.path.clone()));
        },
    ),
    broken(
        "the API leads questions elsewhere",
        CheckKind::Cors,
        Vendor,
        |it| {
            it.change_api = Some(|asked, reply| {
                if asked.method == "OPTIONS" {
                    reply.status = 307;
                    reply.set("location", "https://other.example.com:8443/v2/");
                }
            });
        },
    ),
];
