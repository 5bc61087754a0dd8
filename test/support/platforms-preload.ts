import { leadPlatformsTo } from "./platforms/lead.ts";

// Loaded into a hub's process before anything else: what it asks of platforms goes to the test's server.
leadPlatformsTo(process.env.LETHE_TEST_PLATFORMS ?? "");
