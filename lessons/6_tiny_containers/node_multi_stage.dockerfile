# Two stages: the first has all that building needs ...
FROM node:22 AS build
WORKDIR /build
COPY ./node_complex/package.json ./node_complex/package-lock.json ./
RUN npm ci
COPY ./node_complex ./

# ... and the second only what running needs. Nothing of the first is in the image but what is copied.
FROM node:22-alpine
WORKDIR /home/node/app
COPY --from=build --chown=node:node /build ./
USER node
EXPOSE 3000
CMD ["node", "index.js"]
