// Imported first, so that everything after it is watched. The DSN, the environment and the release come from the
// environment: FAULTWIRE_DSN, FAULTWIRE_ENVIRONMENT, FAULTWIRE_RELEASE.

import * as faultwire from "@faultwire/node";

faultwire.init({
  environment: process.env.FAULTWIRE_ENVIRONMENT ?? "demo",
  release: process.env.FAULTWIRE_RELEASE ?? "shop@1.5.0",
});

if (!faultwire.isEnabled()) {
  console.warn("FAULTWIRE_DSN is not set: the shop runs, and its errors stay here");
}
