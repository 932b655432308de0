# Small: the same application in a small base.
FROM node:22-alpine
USER node
RUN mkdir /home/node/app
WORKDIR /home/node/app
COPY --chown=node:node ./node_complex/package.json ./node_complex/package-lock.json ./
# npm keeps what it has fetched, for the next time; in an image there is none.
RUN npm ci && rm -rf /home/node/.npm
COPY --chown=node:node ./node_complex ./
EXPOSE 3000
CMD ["node", "index.js"]
