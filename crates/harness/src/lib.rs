//! Runs the policy's `.wasm` the way policy-server does, on a laptop and in CI.

pub mod loopback;
