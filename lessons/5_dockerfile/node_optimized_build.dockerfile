# Way 3: as way 2, in an order in which the heavy work stays cached.
FROM debian:bookworm
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ca-certificates npm \
  && npm install --global node@22 \
  && rm -rf /var/lib/apt/lists/* /root/.npm
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
USER node
RUN mkdir /home/node/app
WORKDIR /home/node/app
# Only what `npm ci` reads. These two change seldom ...
COPY --chown=node:node ./node_complex/package.json ./node_complex/package-lock.json ./
RUN npm ci
# ... and this often: nothing heavy stands behind it.
COPY --chown=node:node ./node_complex ./
EXPOSE 3000
CMD ["node", "index.js"]
