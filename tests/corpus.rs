//! Does the crate keep every promise of `tests/corpus`? (The harness asks the same of the real module.)

mod cases;
mod session;

use cases::Case;
use image_trust::answer;
use serde_json::{Value, json};
use session::{Host, Session};

#[test]
fn corpus() {
    let cases = cases::all();
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
