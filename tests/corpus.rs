//! Does the crate keep every promise of `tests/corpus`? (The harness asks the same of the real module.)

use image_trust::answer;
use image_trust_testbed::corpus;
use image_trust_testbed::corpus::Case;
use image_trust_testbed::key_order::backwards;
use image_trust_testbed::session::{Host, Session};
use serde_json::{Value, json};

#[test]
fn corpus() {
    let cases = corpus::all();
    assert!(cases.len() >= 60, "the corpus has {} cases", cases.len());
    let failures: Vec<String> = cases.iter().filter_map(|case| run(case).err()).collect();
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn run(case: &Case) -> Result<(), String> {
    case.check_settings(&answer::validate_settings(case.settings.to_string().as_bytes()))?;
    let Some(request) = &case.request else { return Ok(()) };
    let request: Value =
        serde_json::from_str(request).map_err(|error| format!("{}: request.json: {error}", case.name))?;
    let host = Host(Session::read(case.session.as_deref().unwrap_or("[]")));
    let payload = json!({"request": request, "settings": case.settings}).to_string();
    let response = answer::validate(payload.as_bytes(), &host);
    case.check_response(&serde_json::to_string(&response).map_err(|error| error.to_string())?)?;
    case.expect("calls that were not made", &host.0.leftovers(), &0)
}

/// Settings come out of a map, requests out of another one, and no map promises an order.
#[test]
fn the_order_of_keys_decides_nothing() {
    for case in corpus::all() {
        let settings = backwards(&case.settings);
        let in_order = answer::validate_settings(case.settings.to_string().as_bytes());
        assert_eq!(answer::validate_settings(settings.as_bytes()), in_order, "{}", case.name);
        let Some(request) = &case.request else { continue };
        let request: Value = serde_json::from_str(request).unwrap();
        let of = |request: &str, settings: &str| {
            let host = Host(Session::read(case.session.as_deref().unwrap_or("[]")));
            let payload = format!(r#"{{"settings":{settings},"request":{request}}}"#);
            serde_json::to_value(answer::validate(payload.as_bytes(), &host)).unwrap()
        };
        let in_order = of(&request.to_string(), &case.settings.to_string());
        assert_eq!(of(&backwards(&request), &settings), in_order, "{}", case.name);
    }
}
