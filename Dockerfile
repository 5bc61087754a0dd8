# The version of the npm package `node` in package.json: what the tests run on.
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the embedded PostgreSQL (optional packages) and a second Node.js (an install script): a container has
# DATABASE_URL and the image.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24.21.0-slim
ENV NODE_ENV=production HOST=0.0.0.0 LETHE_DATA_DIR=/var/lib/lethe
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY connectors connectors
COPY fixtures fixtures
COPY schemas schemas
COPY src src
# `docker compose exec hub lethe doctor`
RUN ln -s /app/src/cli/lethe.mjs /usr/local/bin/lethe \
  && install --directory --owner=node --group=node --mode=0700 /var/lib/lethe
USER node
VOLUME /var/lib/lethe
EXPOSE 8787
STOPSIGNAL SIGTERM
# As `npm start` does.
CMD ["node", "--v8-pool-size=1", "--max-semi-space-size=32", "--max-old-space-size=1024", "src/cli/lethe.mjs", "start"]
