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
    let modes = [
("mutate", "{resourceValidationMode: podsOnly}", false),
        ("mutate", "{automaticChildApproval: false}", false),
        ("mutate", "{automaticUnchangedApproval: true}", true),
        ("mutate", "{automaticUnchangedApproval: true}", false),
        ];
    for (rule, features, pinned_in_git) in modes {
            let mode = Mode { name: rule, rule, features, pinned_in_git };
        for tool in [Tool::Flux, Tool::ArgoCd] {
            println!("{mode:?} {tool:?}");
            for (step, cells) in life::live(mode, tool) {
                println!("   {step}: {cells:?}");
            }
        }
    }
    for (rule, features) in [("mutate", "{}"), ("mutate", "{automaticChildApproval: false}"), ("mutate", "{automaticChildApproval: {requireDigest: true}}"), ("mutate", "{automaticChildApproval: {ttl: 3600}}"),
      ("mutate", "{resourceValidationMode: podsOnly}"), ("mutatePodsOnly", "{}"), ("insecureValidateOnly", "{}")] {
            let mode = Mode { name: rule, rule, features, pinned_in_git: false };
            println!("older {rule} {features}: {:?}", life::older_than_the_policy(mode));
        }
}
