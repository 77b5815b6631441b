//! Keys of resellers: which key writes which account, and what none may write.

use serde_json::{Value, json};

use crate::base::World;
use crate::cli::{check_exit, stdout};

const NORTH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NORTH_ONE: &str = "1111111111111111111111111111111a";
const SOUTH: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const SOUTH_ONE: &str = "1111111111111111111111111111111b";
const OWN: &str = "cccccccccccccccccccccccccccccccc";

/// Two resellers with an account each, and an account of nobody's.
fn world() -> World {
    let key = |letter: &str| letter.repeat(64);
    let world = World::seeded_on(
        emblazon::sandbox::Profile::Master,
        &format!(
            "accounts:
  - name: Master
  - {{ name: North, id: {NORTH}, realm: north.sip.example.com, reseller: true, api_key: {} }}
  - {{ name: North One, id: {NORTH_ONE}, parent: North, whitelabel: {{ company_name: Old }} }}
  - {{ name: South, id: {SOUTH}, realm: south.sip.example.com, reseller: true, api_key: {} }}
  - {{ name: South One, id: {SOUTH_ONE}, parent: South, whitelabel: {{ company_name: Old }} }}
  - {{ name: Own, id: {OWN}, whitelabel: {{ company_name: Old }} }}
",
            key("n"),
            key("s")
        ),
    );
    world.write(
        "emblazon.yaml",
        "clusters:
  production:
    auth:
      - { below: north.sip.example.com, accounts: [north-*], api_key: { env: NORTH_KEY } }
      - { below: south.sip.example.com, accounts: [south-*], api_key: { env: SOUTH_KEY } }
      - { api_key: { env: EMBLAZON_API_KEY } }
",
    );
    for (name, id) in [
        ("north-one", NORTH_ONE),
        ("south-one", SOUTH_ONE),
        ("own", OWN),
    ] {
        world.account(name, id, "company_name: New");
    }
    world.commit("begin");
    world
}

/// Returns what was printed, as one line.
fn unwrapped(output: &std::process::Output) -> String {
    let text = stdout(output);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

impl World {
    fn apply_with(&self, keys: &[(&str, &str)]) -> std::process::Output {
        let mut command = self.command(&self.clone, &["apply", "--yes"]);
        for (name, letter) in keys {
            command.env(name, letter.repeat(64));
        }
        command.output().unwrap()
    }

    fn company(&self, account: &str) -> Value {
        self.live(account).unwrap()["company_name"].clone()
    }

    /// Returns the keys that wrote, by the name of the account.
    fn keys_used(&self) -> Vec<(String, String)> {
        let listed = self.report(&["audit"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let lines = listed["lines"].as_array().unwrap().iter();
        let mut used: Vec<(String, String)> = lines
            .filter(|line| line["event"] == "ended")
            .map(|line| (text(&line["object"]["name"]), text(&line["key"])))
            .collect();
        used.sort();
        used
    }
}

const KEYS: [(&str, &str); 2] = [("NORTH_KEY", "n"), ("SOUTH_KEY", "s")];

#[test]
fn each_account_is_written_with_the_key_of_its_reseller() {
    let world = world();
    // A plan needs no key of a reseller.
    check_exit(&world.run(&["plan"]), 2);
    check_exit(&world.apply_with(&KEYS), 0);
    for account in [NORTH_ONE, SOUTH_ONE, OWN] {
        assert_eq!(world.company(account), "New");
    }
    let of = |name: &str| format!("environment variable {name}");
    assert_eq!(
        world.keys_used(),
        [
            ("north-one".to_owned(), of("NORTH_KEY")),
            ("own".to_owned(), of("EMBLAZON_API_KEY")),
            ("south-one".to_owned(), of("SOUTH_KEY")),
        ]
    );
}

#[test]
fn a_mistake_in_one_resellers_folder_reaches_nobody_elses_accounts() {
    let world = world();
    check_exit(&world.apply_with(&KEYS), 0);
    // Somebody of the north takes the account of the south, and one of nobody's, for his own.
    world.account("north-one", NORTH_ONE, "company_name: Newer");
    std::fs::remove_dir_all(world.clone.join("accounts/south-one")).unwrap();
    std::fs::remove_dir_all(world.clone.join("accounts/own")).unwrap();
    world.account("north-two", SOUTH_ONE, "company_name: Taken");
    world.account("north-three", OWN, "company_name: Taken");
    world.commit("a mistake");
    let output = world.apply_with(&KEYS);
    check_exit(&output, 4);
    let told = unwrapped(&output);
    assert!(
        told.contains("is a folder of north.sip.example.com"),
        "{told}"
    );
    assert_eq!(world.company(SOUTH_ONE), "New");
    assert_eq!(world.company(OWN), "New");
    assert_eq!(world.company(NORTH_ONE), "Newer");
    // Nor does a folder of nobody's reach an account of the south.
    std::fs::remove_dir_all(world.clone.join("accounts/north-two")).unwrap();
    std::fs::remove_dir_all(world.clone.join("accounts/north-three")).unwrap();
    world.account("other", SOUTH_ONE, "company_name: Taken");
    world.commit("another mistake");
    let output = world.apply_with(&KEYS);
    check_exit(&output, 1);
    let told = unwrapped(&output);
    assert!(told.contains("accounts/other is none of them"), "{told}");
    assert_eq!(world.company(SOUTH_ONE), "New");
    // The remedy leads on.
    std::fs::remove_dir_all(world.clone.join("accounts/other")).unwrap();
    world.account("south-other", SOUTH_ONE, "company_name: Given");
    world.account("own", OWN, "company_name: New");
    world.commit("moved");
    check_exit(&world.apply_with(&KEYS), 0);
    assert_eq!(world.company(SOUTH_ONE), "Given");
}

#[test]
fn no_account_is_written_with_a_key_by_guess() {
    let world = world();
    // A key that is missing, and one that is refused, stop the accounts of their resellers and no others.
    let output = world.apply_with(&[("SOUTH_KEY", "x")]);
    check_exit(&output, 4);
    let told = unwrapped(&output);
    for words in [
        "there is no key for accounts below north.sip.example.com: environment variable NORTH_KEY is not set",
        "the key for accounts below south.sip.example.com was not accepted",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let all = [NORTH_ONE, SOUTH_ONE, OWN].map(|account| world.company(account));
    assert_eq!(all, [json!("Old"), json!("Old"), json!("New")]);
    // A reseller that is not there may be above every account that is below no other one.
    let text = std::fs::read_to_string(world.clone.join("emblazon.yaml")).unwrap();
    let wrong = text.replace("below: south.sip", "below: sauth.sip");
    world.write("emblazon.yaml", &wrong);
    world.account("own", OWN, "company_name: Newer");
    world.commit("mistype");
    let output = world.apply_with(&KEYS);
    check_exit(&output, 1);
    let told = unwrapped(&output);
    assert!(
        told.contains("account sauth.sip.example.com could not be found"),
        "{told}"
    );
    let all = [NORTH_ONE, SOUTH_ONE, OWN].map(|account| world.company(account));
    assert_eq!(all, [json!("Old"), json!("Old"), json!("New")]);
}
