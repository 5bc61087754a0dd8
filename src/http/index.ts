export { type App, type AppOptions, createApp } from "./app.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { type HttpServer, listen } from "./server.ts";
