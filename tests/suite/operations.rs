//! The examples of running the daemon, as the daemon reads them.

use camino::Utf8Path;
use emblazon::watch::WatchConfig;

#[test]
fn examples_of_the_daemons_file_are_understood() {
    for name in ["watch.yaml", "kubernetes/watch.yaml"] {
        let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/watch")
            .join(name);
        let config = WatchConfig::read(&path).unwrap();
        let schema =
            std::fs::read_to_string(crate::source_text::top().join("schemas/watch.schema.json"))
                .unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&value)
            .map(|error| format!("{name}: {error}"))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        assert!(config.http.is_some(), "{name}");
    }
}
