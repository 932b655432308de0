# Way 2: a plain Debian, and Node put in from scratch.
FROM debian:bookworm
# Debian's own npm is good enough to fetch the Node that we want. One RUN, since what a later one
# deletes is still in the layer of the earlier one.
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ca-certificates npm \
  && npm install --global node@22 \
  && rm -rf /var/lib/apt/lists/* /root/.npm
# What an official image has done for you: a user, so that the program is not root.
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
USER node
RUN mkdir /home/node/app
WORKDIR /home/node/app
COPY --chown=node:node ./node_complex ./
RUN npm ci
EXPOSE 3000
CMD ["node", "index.js"]
