# As small as it gets: no shell, no package manager, no npm. There is nothing to RUN with either, so
# the first stage does all of it.
FROM node:22 AS build
WORKDIR /build
COPY ./node_complex/package.json ./node_complex/package-lock.json ./
RUN npm ci
COPY ./node_complex ./

FROM gcr.io/distroless/nodejs22-debian12
WORKDIR /app
COPY --from=build /build ./
USER nonroot
EXPOSE 3000
# This image's ENTRYPOINT is node.
CMD ["index.js"]
