//! Which forge, repository and pull request to use: from options, or from the environment of the CI system.

use url::Url;

use super::{ForgeError, ForgeKind};
use crate::model::{Secret, is_loopback};

/// Returns the value of an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where to publish.
#[derive(Clone, Debug)]
pub struct Target {
    /// The kind of forge.
    pub kind: ForgeKind,
    /// The base URL of the API.
    pub api: Url,
    /// `owner/name`, or the number or path of a GitLab project.
    pub repository: String,
    /// The number of the pull request; `None` outside of one.
    pub number: Option<u64>,
    /// The commit; `None` where the environment names only the forge's synthetic merge commit of a pull request.
    pub commit: Option<String>,
    /// URL of the CI run.
    pub link: Option<String>,
    /// The API token.
    pub token: Secret,
}

impl ForgeKind {
    /// Returns how many characters a comment may have. Gitea has no limit of its own, but proxies in front of it
    /// usually accept a megabyte per request.
    #[must_use]
    pub fn longest_comment(self) -> usize {
        match self {
            Self::Github => 65_536,
            Self::Gitlab => 1_000_000,
            Self::Gitea => 500_000,
        }
    }

    /// Detects the forge from its CI system; Gitea's resembles GitHub's, but sets a variable of its own.
    #[must_use]
    pub fn detect(environment: Environment<'_>) -> Option<Self> {
        let set = |name| environment(name).is_some_and(|value| !value.is_empty());
        if set("GITEA_ACTIONS") || set("FORGEJO_ACTIONS") {
            Some(Self::Gitea)
        } else if set("GITLAB_CI") {
            Some(Self::Gitlab)
        } else if set("GITHUB_ACTIONS") {
            Some(Self::Github)
        } else {
            None
        }
    }

    /// Returns the variables that hold the API's URL, the repository, and tokens; the first token that is set counts.
    fn variables(self) -> (&'static str, &'static str, [&'static str; 2]) {
        match self {
            Self::Github => (
                "GITHUB_API_URL",
                "GITHUB_REPOSITORY",
                ["EMBLAZON_FORGE_TOKEN", "GITHUB_TOKEN"],
            ),
            Self::Gitea => (
                "GITHUB_API_URL",
                "GITHUB_REPOSITORY",
                ["EMBLAZON_FORGE_TOKEN", "GITEA_TOKEN"],
            ),
            Self::Gitlab => (
                "CI_API_V4_URL",
                "CI_PROJECT_ID",
                ["EMBLAZON_FORGE_TOKEN", "GITLAB_TOKEN"],
            ),
        }
    }

    fn number(self, environment: Environment<'_>) -> Option<u64> {
        match self {
            Self::Gitlab => environment("CI_MERGE_REQUEST_IID")?.parse().ok(),
            Self::Github | Self::Gitea => {
                let reference = environment("GITHUB_REF")?;
                let rest = reference.strip_prefix("refs/pull/")?;
                rest.split('/').next()?.parse().ok()
            }
        }
    }

    fn commit(self, environment: Environment<'_>) -> Option<String> {
        match self {
            // The first is set if the pipeline runs on a synthetic merge commit.
            Self::Gitlab => environment("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
                .filter(|commit| !commit.is_empty())
                .or_else(|| environment("CI_COMMIT_SHA")),
            // For a pull request, the SHA is that of a synthetic merge commit.
            Self::Github | Self::Gitea => {
                let event = environment("GITHUB_EVENT_NAME").unwrap_or_default();
                environment("GITHUB_SHA").filter(|_| !event.starts_with("pull_request"))
            }
        }
    }

    fn link(self, environment: Environment<'_>) -> Option<String> {
        match self {
            Self::Gitlab => environment("CI_JOB_URL"),
            Self::Github | Self::Gitea => {
                let server = environment("GITHUB_SERVER_URL")?;
                let repository = environment("GITHUB_REPOSITORY")?;
                let run = environment("GITHUB_RUN_ID")?;
                Some(format!("{server}/{repository}/actions/runs/{run}"))
            }
        }
    }
}

impl Target {
    /// Names a repository on a forge, whoever reads it; everything that is only for a pull request or a commit is absent.
    pub fn new(
        kind: ForgeKind,
        api: &str,
        repository: &str,
        token: Secret,
    ) -> Result<Self, ForgeError> {
        Ok(Self {
            kind,
            api: base(api)?,
            repository: repository.to_owned(),
            number: None,
            commit: None,
            link: None,
            token,
        })
    }

    /// Combines the options with the environment. The token comes only from the environment.
    pub fn find(
        kind: Option<ForgeKind>,
        api: Option<&str>,
        repository: Option<&str>,
        (number, commit): (Option<u64>, Option<&str>),
        environment: Environment<'_>,
    ) -> Result<Self, ForgeError> {
        let missing = |what, how| ForgeError::Missing { what, how };
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let kind = kind
            .or_else(|| ForgeKind::detect(environment))
            .ok_or_else(|| missing("the forge", "no known CI system was detected; set --forge"))?;
        let (url, project, tokens) = kind.variables();
        let api = api.map(str::to_owned).or_else(|| set(url));
        let api = api
            .or_else(|| (kind == ForgeKind::Github).then(|| "https://api.github.com".to_owned()));
        let api = api.ok_or_else(|| missing("the forge's API", "set --url"))?;
        let repository = repository.map(str::to_owned).or_else(|| set(project));
        let token = tokens.iter().find_map(|name| set(name));
        Ok(Self {
            kind,
            api: base(&api)?,
            repository: repository.ok_or_else(|| missing("the repository", "set --repository"))?,
            number: number.or_else(|| kind.number(environment)),
            commit: commit
                .map(str::to_owned)
                .or_else(|| kind.commit(environment)),
            link: kind.link(environment),
            token: Secret::new(token.ok_or_else(|| {
                missing(
                    "the forge's token",
                    "set EMBLAZON_FORGE_TOKEN, or GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN",
                )
            })?),
        })
    }
}

/// Parses and checks the base URL: a token must not cross the network in clear text.
fn base(text: &str) -> Result<Url, ForgeError> {
    let wrong = |problem| ForgeError::Url {
        url: text.to_owned(),
        problem,
    };
    let mut url = Url::parse(text).map_err(|_| ForgeError::Url {
        // Text that does not parse may hold anything, even a password.
        url: "that was given".to_owned(),
        problem: "is no URL; write it as https://host/api",
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        let problem = "holds credentials; the token comes from the environment";
        let url = "that was given".to_owned();
        return Err(ForgeError::Url { url, problem });
    }
    match url.scheme() {
        "https" => {}
        "http" if url.host().as_ref().is_some_and(is_loopback) => {}
        _ => {
            return Err(wrong(
                "would send the token unencrypted over the network; use https://",
            ));
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or a fragment; leave them out"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where() {
        #[track_caller]
        fn check(variables: &[(&str, &str)], expected: Result<&str, &str>) {
            let environment = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let found = Target::find(None, None, None, (None, None), &environment);
            let found = found.map(|target| {
                format!(
                    "{:?} {} {} {:?}",
                    target.kind, target.api, target.repository, target.number
                )
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", "https://api.github.com"),
            ("GITHUB_REPOSITORY", "acme/brands"),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_TOKEN", "canary"),
        ];
        check(
            &github,
            Ok("Github https://api.github.com/ acme/brands Some(12)"),
        );
        let gitea = [
            github.as_slice(),
            &[("GITEA_ACTIONS", "true"), ("GITEA_TOKEN", "canary")],
        ]
        .concat();
        check(
            &gitea,
            Ok("Gitea https://api.github.com/ acme/brands Some(12)"),
        );
        check(
            &[
                ("GITLAB_CI", "true"),
                ("CI_API_V4_URL", "https://git.example/api/v4"),
                ("CI_PROJECT_ID", "7"),
                ("CI_MERGE_REQUEST_IID", "3"),
                ("GITLAB_TOKEN", "canary"),
            ],
            Ok("Gitlab https://git.example/api/v4 7 Some(3)"),
        );
        check(&github[..3], Err("set EMBLAZON_FORGE_TOKEN"));
        check(&[], Err("set --forge"));
    }

    #[test]
    fn the_commit_is_one_that_somebody_made() {
        #[track_caller]
        fn check(kind: ForgeKind, variables: &[(&str, &str)], expected: Option<&str>) {
            let environment = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(kind.commit(&environment).as_deref(), expected);
        }
        let push = [("GITHUB_EVENT_NAME", "push"), ("GITHUB_SHA", "a1")];
        check(ForgeKind::Github, &push, Some("a1"));
        let pull = [("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_SHA", "a1")];
        check(ForgeKind::Github, &pull, None);
        check(ForgeKind::Gitlab, &[("CI_COMMIT_SHA", "a1")], Some("a1"));
        let merge = [
            ("CI_COMMIT_SHA", "a1"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "b2"),
        ];
        check(ForgeKind::Gitlab, &merge, Some("b2"));
    }

    #[test]
    fn a_token_goes_over_tls_or_stays_here() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (base(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{error}");
                    assert!(!error.to_string().contains("canary"), "{error}");
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
        check(
            "https://git.example/api/v1/",
            Ok("https://git.example/api/v1"),
        );
        check(
            "http://127.0.0.1:3000/api/v1",
            Ok("http://127.0.0.1:3000/api/v1"),
        );
        check("http://git.example", Err("unencrypted over the network"));
        check("https://user:canary@git.example", Err("holds credentials"));
        check("https://git.example?a=b", Err("query"));
        check("git.example", Err("is no URL"));
    }
}
