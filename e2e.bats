#!/usr/bin/env bats
# What a user meets on the command line: kwctl's flags, output and exit codes, over the annotated module. $KWCTL is kwctl
# or `image-trust`, which takes the same line. Nothing here needs a network: what the host would say is replayed.

bats_require_minimum_version 1.5.0

cases=(
    lookalike-registry-is-denied signed-tag-is-pinned child-of-an-owner-that-lists-the-image-is-approved
    dry-run-keeps-the-live-digest unsigned-image-is-denied keyless-signature-is-proven-and-pinned
    keyless-signature-of-somebody-else-is-denied unreachable-registry-is-told
)

# Cases of the corpus, as files.
setup_file() {
    cd "$BATS_TEST_DIRNAME"
    "${XTASK:-target/release/xtask}" case --into "$BATS_FILE_TMPDIR" "${cases[@]}"
}

setup() {
    cd "$BATS_TEST_DIRNAME"
    lookalike=$BATS_FILE_TMPDIR/lookalike-registry-is-denied
    pinned=$BATS_FILE_TMPDIR/signed-tag-is-pinned
    child=$BATS_FILE_TMPDIR/child-of-an-owner-that-lists-the-image-is-approved
    dryrun=$BATS_FILE_TMPDIR/dry-run-keeps-the-live-digest
    unsigned=$BATS_FILE_TMPDIR/unsigned-image-is-denied
    keyless=$BATS_FILE_TMPDIR/keyless-signature-is-proven-and-pinned
    somebody=$BATS_FILE_TMPDIR/keyless-signature-of-somebody-else-is-denied
    unreachable=$BATS_FILE_TMPDIR/unreachable-registry-is-told
}

# judge ARGUMENT...: one evaluation. stdout is the response alone, in $output; stderr is in $stderr.
judge() {
    run --separate-stderr "${KWCTL:-kwctl}" run "$@" annotated-policy.wasm
    echo "exit $status; stdout: $output; stderr: $stderr" # shown where a test fails
}

replay() {
    judge "$@" --replay-host-capabilities-interactions "$session"
}

allowed() { [ "$status" -eq 0 ] && [[ $output == *'"allowed":true'* ]]; }
denied() { [ "$status" -eq 0 ] && [[ $output == *'"allowed":false'* ]] && [[ $output == *"\"code\":$1"* ]]; }
says() { [[ $output == *"$1"* ]]; }
# recorded MEMBER WORD: an audit record has this word there.
recorded() { says "\\\"$1\\\":\\\"$2\\\""; }
# refused IMAGE WORD: the audit record of this image has this reason.
refused() { says "\\\"image\\\":\\\"$1\\\",\\\"pinned\\\":0,\\\"reason\\\":\\\"$2\\\""; }
patch() { sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' <<<"$output" | base64 -d; }

@test "the settings of every example are accepted" {
    for settings in examples/*.yaml; do
        judge -r "$lookalike/request.json" -s "$settings"
        [ "$status" -eq 0 ]
    done
}

@test "settings are refused with every reason, and where it is" {
    judge -r examples/request-pod.json --settings-json '{
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": "k8s://acme/cosign"}]}],
        "policy": [{"pattern": "ghcr.io/acme/app?"}, {"pattern": "*:*", "validator": "deny"}],
        "features": {"detectionmode": true}
    }'
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == *"Provided settings are not valid"* ]]
    for place in 'validators[0].trustRoots[0].key: ' 'policy[0].pattern: ' 'policy[1].validator: ' 'features.detectionmode: '; do
        [[ $stderr == *"$place"* ]]
    done
}

@test "no settings at all are refused" {
    judge -r examples/request-pod.json
    [ "$status" -eq 1 ]
    [[ $stderr == *"validators: is missing"* ]]
    [[ $stderr == *"policy: is missing"* ]]
}

@test "an image that a static rule allows passes unchanged" {
    judge -r - -s examples/first-settings.yaml <<'JSON'
{
  "uid": "1", "operation": "CREATE", "userInfo": {"username": "dev"},
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
  "object": {"spec": {"containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}]}}
}
JSON
    allowed
    [ -z "$(patch)" ]
}

@test "every denied image is listed, with its rule and a code" {
    session=$pinned/session.yaml
    replay -r examples/request-pod.json -s examples/first-settings.yaml
    denied 403
    says 'container \"proxy\": nginx:1.27\n'
    says 'container \"tools\": evil.io/ghcr.io/acme/app:v1\n'
    refused nginx:1.27 denied-by-rule
    refused evil.io/ghcr.io/acme/app:v1 denied-by-rule
    recorded rule '*:*'
    [ -z "$(patch)" ]
}

@test "a registry that looks like an allowed one is denied" {
    judge -r "$lookalike/request.json" -s "$lookalike/settings.yaml"
    denied 403
    refused evil.io/registry.k8s.io/pause:3.9 denied-by-rule
    refused evil-registry.k8s.io/pause:3.9 denied-by-rule
}

@test "a signed tag is pinned to its digest, and nothing else is changed" {
    session=$pinned/session.yaml
    replay -r "$pinned/request.json" -s "$pinned/settings.yaml"
    allowed
    [ "$(patch)" = '[{"op":"replace","path":"/spec/containers/0/image","value":"ghcr.io/acme/app:v1@sha256:1111111111111111111111111111111111111111111111111111111111111111"}]' ]
}

@test "an unsigned image is denied" {
    session=$unsigned/session.yaml
    replay -r "$unsigned/request.json" -s "$unsigned/settings.yaml"
    denied 403
    recorded reason not-signed
    recorded cause unsigned
}

@test "a registry that does not answer is another denial than an unsigned image" {
    session=$unreachable/session.yaml
    replay -r "$unreachable/request.json" -s "$unreachable/settings.yaml"
    denied 503
    recorded reason evidence-unavailable
    recorded cause unreachable
}

@test "detection mode admits, warns, and pins what was proven" {
    session=$pinned/session.yaml
    replay -r examples/request-pod.json -s examples/detection.yaml
    allowed
    says '"not denied: detection mode: denied-by-rule: nginx:1.27: '
    [[ $(patch) == *'"path":"/spec/containers/0/image"'* ]]
    [[ $(patch) != *'/spec/containers/1/'* ]]
}

@test "without mutation a proven tag stays, with a warning" {
    session=$pinned/session.yaml
    replay -r "$pinned/request.json" -s examples/policy-group.yaml
    allowed
    says 'not pinned: ghcr.io/acme/app:v1: features.mutation is false'
    [ -z "$(patch)" ]
}

@test "a Pod of an owner that lists its image is approved, where the policy may look" {
    session=$child/session.yaml
    replay -r "$child/request.json" -s "$child/settings.yaml" --allow-context-aware
    allowed
    says 'listed by ReplicaSet web-7d9'
    [ -z "$(patch)" ]
    # Without leave to look it is verified, and nothing is recorded about a registry here.
    replay -r "$child/request.json" -s "$child/settings.yaml"
    denied 503
}

@test "a dry run keeps the live digest and asks nobody" {
    judge -r "$dryrun/request.json" -s "$dryrun/settings.yaml"
    allowed
    says 'live, and this is a dry run'
    [[ $(patch) == *'"path":"/spec/template/spec/containers/0/image"'* ]]
}

@test "a Deployment under mutatePodsOnly is verified and keeps its tag" {
    session=$pinned/session.yaml
    replay -r - -s examples/gitops-pods-only.yaml <<'JSON'
{
  "uid": "1", "operation": "CREATE", "userInfo": {"username": "dev"},
  "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
  "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
  "object": {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "ghcr.io/acme/app:v1"}]}}}}
}
JSON
    allowed
    says '\"verdict\":\"proven\"'
    [ -z "$(patch)" ]
}

@test "an object that can't be read is denied" {
    judge -r - -s examples/first-settings.yaml <<'JSON'
{
  "uid": "1", "operation": "CREATE", "userInfo": {"username": "dev"},
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
  "object": {"spec": {"containers": "nginx"}}
}
JSON
    denied 400
    recorded reason unreadable-slot
}

@test "a deletion brings no image and passes" {
    judge -r - -s examples/first-settings.yaml <<'JSON'
{
  "uid": "1", "operation": "DELETE", "userInfo": {"username": "dev"},
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
  "oldObject": {"spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
}
JSON
    allowed
}

@test "a whole AdmissionReview is read too" {
    printf '{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": %s}' \
        "$(cat "$lookalike/request.json")" >"$BATS_TEST_TMPDIR/review.json"
    judge -r "$BATS_TEST_TMPDIR/review.json" -s "$lookalike/settings.yaml"
    denied 403
}

@test "a keyless signature is proven from what lies beside the image, and pinned" {
    session=$keyless/session.yaml replay -r "$keyless/request.json" -s "$keyless/settings.yaml"
    allowed
    patch | grep -q '"op":"replace".*@sha256:1111'
}

@test "a keyless signature by somebody else is denied, and whose it is is told" {
    session=$somebody/session.yaml replay -r "$somebody/request.json" -s "$somebody/settings.yaml"
    denied 403
    recorded cause certificate-identity
    says 'bob@example.com'
}

# pin ARGUMENT...: only our own command has it.
pin() {
    [[ $(basename "$KWCTL") == image-trust ]] || skip "kwctl has no pin"
    cp "$BATS_TEST_DIRNAME/annotated-policy.wasm" "$BATS_TEST_TMPDIR/policy.wasm"
    cd "$BATS_TEST_TMPDIR"
    run --separate-stderr "$KWCTL" pin "$@" -s "$pinned/settings.yaml" \
        --replay-host-capabilities-interactions "$pinned/session.yaml"
    echo "exit $status; stdout: $output; stderr: $stderr"
}

pod_of() { printf 'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: %s # ours\n' "$1"; }

@test "pin writes the proven digest into a manifest and keeps the rest" {
    pod_of ghcr.io/acme/app:v1 >"$BATS_TEST_TMPDIR/pod.yaml"
    pin pod.yaml --write
    [ "$status" -eq 0 ]
    says '1 pin; 1 file changed'
    digest=sha256:1111111111111111111111111111111111111111111111111111111111111111
    diff "$BATS_TEST_TMPDIR/pod.yaml" <(pod_of "ghcr.io/acme/app:v1@$digest")
}

@test "pin --check fails where a digest is missing, and writes nothing" {
    pod_of ghcr.io/acme/app:v1 >"$BATS_TEST_TMPDIR/pod.yaml"
    pin pod.yaml --check
    [ "$status" -eq 1 ]
    diff "$BATS_TEST_TMPDIR/pod.yaml" <(pod_of ghcr.io/acme/app:v1)
}

@test "pin --diff shows the change of a kustomization" {
    printf 'images:\n- name: ghcr.io/acme/app\n  newTag: v1\n' >"$BATS_TEST_TMPDIR/kustomization.yaml"
    pin kustomization.yaml --diff
    [ "$status" -eq 0 ]
    says '+  digest: sha256:1111'
}

@test "pin refuses a template and says what to do" {
    pod_of '{{ .Values.image }}' >"$BATS_TEST_TMPDIR/pod.yaml"
    pin pod.yaml --write
    [ "$status" -eq 2 ]
    [[ $stderr == *"render it first"* ]]
}

# ours: our own command, in the test's folder, with the module as policy.wasm.
ours() {
    [[ $(basename "$KWCTL") == image-trust ]] || skip "kwctl does not have this"
    cp "$BATS_TEST_DIRNAME/annotated-policy.wasm" "$BATS_TEST_TMPDIR/policy.wasm"
    cd "$BATS_TEST_TMPDIR"
    cat >settings.yaml <<'YAML'
validators: [{name: allow, type: static, approve: true}, {name: deny, type: static, approve: false}]
policy: [{pattern: "*:*", validator: deny}, {pattern: "registry.k8s.io/*:*", validator: allow}]
YAML
}

@test "check tells what would be denied, with its place" {
    ours
    pod_of ghcr.io/acme/app:v1 >pod.yaml
    run --separate-stderr "$KWCTL" check pod.yaml -s settings.yaml -o github
    [ "$status" -eq 1 ]
    says '::error file=pod.yaml,line=5,col=12,'
    pod_of registry.k8s.io/pause:3.9 >pod.yaml
    run --separate-stderr "$KWCTL" check pod.yaml -s settings.yaml
    [ "$status" -eq 0 ]
    says '1 workload: 1 admitted, 0 denied'
}

@test "check reads standard input and reads no template" {
    ours
    run --separate-stderr "$KWCTL" check - -s settings.yaml <<<'{"apiVersion":"v1","kind":"List","items":[]}'
    [ "$status" -eq 0 ]
    pod_of '{{ .Values.image }}' >pod.yaml
    run --separate-stderr "$KWCTL" check pod.yaml -s settings.yaml
    [ "$status" -eq 2 ]
    says 'render it first'
}

# What action.yml runs, on what is built already.
@test "the action checks manifests and fails where something is denied" {
    ours
    pod_of ghcr.io/acme/app:v1 >pod.yaml
    mkdir image-trust
    cp policy.wasm "$KWCTL" image-trust/
    action() { RUNNER_TEMP=$PWD COMMAND=$1 PATHS=pod.yaml SETTINGS=settings.yaml run "$BATS_TEST_DIRNAME/scripts/action" run; }
    action check
    [ "$status" -eq 1 ]
    says '::error file=pod.yaml,line=5,col=12,'
    pod_of registry.k8s.io/pause:3.9 >pod.yaml
    action check
    [ "$status" -eq 0 ]
    action pin
    [ "$status" -eq 0 ]
    pod_of ghcr.io/acme/app:v1 >second.yaml
    RUNNER_TEMP=$PWD COMMAND=check PATHS=$'pod.yaml\nsecond.yaml' SETTINGS=settings.yaml run "$BATS_TEST_DIRNAME/scripts/action" run
    [ "$status" -eq 1 ]
    action delete
    [ "$status" -eq 2 ]
    RUNNER_TEMP=$PWD COMMAND=check PATHS=$'pod.yaml\n--fail-on=never' SETTINGS=settings.yaml run "$BATS_TEST_DIRNAME/scripts/action" run
    [ "$status" -eq 2 ]
}

@test "the action and the hooks name commands that there are" {
    ours
    entries=$(sed -n 's/^  entry: image-trust //p' "$BATS_TEST_DIRNAME/.pre-commit-hooks.yaml")
    [ "$(wc -l <<<"$entries")" -eq 2 ]
    pod_of registry.k8s.io/pause:3.9 >pod.yaml
    while read -ra entry; do
        run "$KWCTL" "${entry[@]}" -s settings.yaml pod.yaml
        [ "$status" -eq 0 ]
    done <<<"$entries"
    for input in command paths settings version arguments; do
        grep -q "inputs.$input" "$BATS_TEST_DIRNAME/action.yml"
    done
}
