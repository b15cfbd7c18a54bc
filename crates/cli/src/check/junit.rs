//! The result of a check as JUnit XML: a test suite for each file, a test case for each object.

use anyhow::Result;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::outcome::Checked;
use crate::{output::printed, tables::one_line};

pub(super) fn document(checked: &Checked) -> Result<Vec<u8>> {
    let mut report = Report::new("image-trust check");
    let mut suites: Vec<TestSuite> = Vec::new();
    for (source, outcome) in &checked.objects {
        let status = match (outcome.allowed, outcome.code) {
            (true, _) => TestCaseStatus::success(),
            (false, Some(code)) => {
                let kind = if code < 500 { NonSuccessKind::Failure } else { NonSuccessKind::Error };
                told(kind, &format!("denied {code}"), outcome.message.as_deref().unwrap_or_default())
            }
            (false, None) => told(NonSuccessKind::Error, "denied", outcome.message.as_deref().unwrap_or_default()),
        };
        let mut case = TestCase::new(one_line(&source.title()), status);
        case.set_classname(one_line(&format!("{}:{}", source.file, source.place.line)));
        if !outcome.warnings.is_empty() {
            case.set_system_err(printed(&outcome.warnings.join("\n")));
        }
        add(&mut suites, &source.file, case);
    }
    for (file, error) in &checked.unreadable {
        let status = told(NonSuccessKind::Error, "cannot read this file", &error.to_string());
        add(&mut suites, file, TestCase::new("the file can be read", status));
    }
    report.add_test_suites(suites);
    let mut xml = Vec::new();
    report.serialize(&mut xml)?;
    Ok(xml)
}

fn told(kind: NonSuccessKind, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(printed(description));
    status
}

fn add(suites: &mut Vec<TestSuite>, file: &str, case: TestCase) {
    let name = one_line(file);
    match suites.iter_mut().find(|suite| suite.name.as_str() == name) {
        Some(suite) => drop(suite.add_test_case(case)),
        None => {
            let mut suite = TestSuite::new(name);
            suite.add_test_case(case);
            suites.push(suite);
        }
    }
}
