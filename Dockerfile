# One build, a target per program: docker build --target gateway .
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bins \
 && mkdir /out && cp target/release/latchkey target/release/latchkey-* /out/ && rm -f /out/*.d /out/latchkey-bench

FROM debian:bookworm-slim AS base
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
