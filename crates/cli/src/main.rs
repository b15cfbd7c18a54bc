//! The `image-trust` command.

fn main() -> std::process::ExitCode {
    image_trust_cli::main()
}
