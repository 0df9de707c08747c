# One build, a target per program: docker build --target gateway .
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Cargo trusts the times of files: beside a kept target folder, an older checkout would pass for built. So all own files are new.
RUN --mount=type=cache,id=latchkey-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=latchkey-target,target=/src/target,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
 && cargo build --release --locked --bins -p latchkey -p latchkey-gateway -p latchkey-client-registry \
      -p latchkey-role-mapping -p latchkey-token-issuer -p latchkey-session -p latchkey-audit \
 && mkdir /out && find target/release -maxdepth 1 -type f -executable -name 'latchkey*' -exec cp {} /out/ \;

FROM debian:bookworm-slim AS base
# What the certificate of a Redis, a database or a collector elsewhere is checked against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
RUN mkdir /certificates && chown 65532:65532 /certificates
USER 65532:65532

FROM base AS client-registry
COPY --from=build /out/latchkey-client-registry /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-client-registry"]

FROM base AS role-mapping
COPY --from=build /out/latchkey-role-mapping /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-role-mapping"]

FROM base AS token-issuer
COPY --from=build /out/latchkey-token-issuer /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-token-issuer"]

FROM base AS session
COPY --from=build /out/latchkey-session /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-session"]

FROM base AS audit
COPY --from=build /out/latchkey-audit /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-audit"]

FROM base AS gateway
COPY --from=build /out/latchkey-gateway /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey-gateway"]

FROM base AS latchkey
COPY --from=build /out/latchkey /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/latchkey"]
