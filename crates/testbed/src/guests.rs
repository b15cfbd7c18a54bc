//! What does the smallest policy look like? waPC guests in WebAssembly text, one behaviour each, for the tests of the host.

/// The imports and the memory every guest has. Strings are data segments: the name of a thing, then where it lies.
fn module(data: &str, guest_call: &str) -> Vec<u8> {
    module_with_init("", data, guest_call)
}

fn module_with_init(init: &str, data: &str, guest_call: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wapc" "__guest_request" (func $guest_request (param i32 i32)))
            (import "wapc" "__guest_response" (func $guest_response (param i32 i32)))
            (import "wapc" "__guest_error" (func $guest_error (param i32 i32)))
            (import "wapc" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (import "wapc" "__host_response_len" (func $host_response_len (result i32)))
            (import "wapc" "__host_response" (func $host_response (param i32)))
            (import "wapc" "__host_error_len" (func $host_error_len (result i32)))
            (import "wapc" "__host_error" (func $host_error (param i32)))
            (memory (export "memory") 4)
            (global $calls (mut i32) (i32.const 48))
            {data}
            (func (export "wapc_init") {init})
            (func (export "__guest_call") (param $op i32) (param $len i32) (result i32) {guest_call}))"#
    );
    wat::parse_str(text).expect("a guest in WebAssembly text")
}

fn bytes(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Answers every function with the same bytes.
pub fn answering(answer: &str) -> Vec<u8> {
    let data = format!(r#"(data (i32.const 1024) "{}")"#, bytes(answer));
    module(&data, &format!("(call $guest_response (i32.const 1024) (i32.const {})) (i32.const 1)", answer.len()))
}

/// Fails every function with the same error.
pub fn failing(error: &str) -> Vec<u8> {
    let data = format!(r#"(data (i32.const 1024) "{}")"#, bytes(error));
    module(&data, &format!("(call $guest_error (i32.const 1024) (i32.const {})) (i32.const 0)", error.len()))
}

/// A guest that traps.
pub fn trapping() -> Vec<u8> {
    module("", "unreachable")
}

/// A guest that never returns.
pub fn endless() -> Vec<u8> {
    module("", "(loop $again (br $again)) (i32.const 1)")
}

/// A guest that never becomes ready.
pub fn never_ready() -> Vec<u8> {
    module_with_init("(loop $again (br $again))", "", "(i32.const 1)")
}

/// Counts its calls in a global and answers `{"accepted":true,"code":4N}`.
pub fn counting() -> Vec<u8> {
    let answer = r#"{"accepted":true,"code":4_}"#;
    let digit = 1024 + answer.find('_').expect("a place for the digit");
    let data = format!(r#"(data (i32.const 1024) "{}")"#, bytes(answer));
    let body = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (i32.store8 (i32.const {digit}) (global.get $calls))
         (call $guest_response (i32.const 1024) (i32.const {})) (i32.const 1)",
        answer.len()
    );
    module(&data, &body)
}

/// Answers with its own request payload.
pub fn echo() -> Vec<u8> {
    module(
        "",
        "(call $guest_request (i32.const 512) (i32.const 1024))
         (call $guest_response (i32.const 1024) (local.get $len)) (i32.const 1)",
    )
}

/// Makes one host call; returns the host's answer as its own, the host's error as its own.
pub fn calling(namespace: &str, operation: &str, payload: &str) -> Vec<u8> {
    let data = format!(
        r#"(data (i32.const 0) "kubewarden") (data (i32.const 64) "{}") (data (i32.const 128) "{}") (data (i32.const 1024) "{}")"#,
        bytes(namespace),
        bytes(operation),
        bytes(payload)
    );
    let body = format!(
        "(if (result i32) (call $host_call (i32.const 0) (i32.const 10) (i32.const 64) (i32.const {}) (i32.const 128) (i32.const {}) (i32.const 1024) (i32.const {}))
           (then (call $host_response (i32.const 65536))
                 (call $guest_response (i32.const 65536) (call $host_response_len)) (i32.const 1))
           (else (call $host_error (i32.const 65536))
                 (call $guest_error (i32.const 65536) (call $host_error_len)) (i32.const 0)))",
        namespace.len(),
        operation.len(),
        payload.len()
    );
    module(&data, &body)
}
