# Two images from one file: `greenroom` (the last stage) and `minio` (the object store of the compose
# file, built from its pinned module because its own images are no longer published). Base images are named
# by version and digest; `make lint` refuses others. Both images run as a user of their own.

FROM node:24.20.0-bookworm-slim@sha256:ba849c60be29959425b8734d57b8b4b7d56f98edd9504c9af091d5281095a71e AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web ./
RUN npm run types && npm run build

FROM node:24.20.0-bookworm-slim@sha256:ba849c60be29959425b8734d57b8b4b7d56f98edd9504c9af091d5281095a71e AS runtime
WORKDIR /src/.ci
COPY .ci/runtime.json .ci/setup-runtime.mjs ./
RUN node setup-runtime.mjs /lib-greenroom --only "moonshine,vocabulary,voice activity,onnx runtime"

FROM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
COPY --from=page /src/web/dist web/dist
RUN go build -trimpath -ldflags "-s -w" -o /out/greenroom ./cmd/greenroom && mkdir -p /out/data

FROM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS minio-build
WORKDIR /src
COPY .ci/tools/minio ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/minio github.com/minio/minio

FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS minio
COPY --from=minio-build /out/minio /usr/local/bin/minio
RUN useradd --system --uid 10002 minio && mkdir /data && chown minio /data
USER 10002
VOLUME /data
ENTRYPOINT ["minio"]
CMD ["server", "/data"]

FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS greenroom
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 greenroom
COPY --from=build /out/greenroom /usr/local/bin/greenroom
COPY --from=build --chown=10001:10001 /out/data /var/lib/greenroom
COPY --from=runtime /lib-greenroom /usr/share/greenroom
ENV GREENROOM_DATA=/var/lib/greenroom \
    GREENROOM_LIB=/usr/share/greenroom \
    GREENROOM_LOG_FORMAT=json
USER 10001
VOLUME /var/lib/greenroom
EXPOSE 8080/tcp 7882/tcp 7882/udp
ENTRYPOINT ["greenroom"]
CMD ["serve"]
