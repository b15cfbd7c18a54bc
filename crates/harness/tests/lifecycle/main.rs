//! Whole lives of a Deployment under every GitOps mode: the real module, a simulated API server and its controllers.
mod api_server;
mod controllers;
mod gitops;
mod life;
mod webhook;
mod world;

use gitops::Tool;
use world::Mode;

#[test]
fn probe() {
    for rule in ["mutate", "mutatePodsOnly", "insecureValidateOnly"] {
        for (pinned_in_git, tool) in [(false, Tool::Flux), (false, Tool::ArgoCd), (true, Tool::Flux), (true, Tool::ArgoCd)] {
            let mode = Mode { name: rule, rule, features: "{}", pinned_in_git };
            println!("{mode:?} {tool:?}");
            for (step, cells) in life::live(mode, tool) {
                println!("   {step}: {cells:?}");
            }
        }
    }
}
