FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The caches keep the dependencies built from one image to the next; they are no part of the image, hence the copy.
# Provost itself is always built: by dates, cargo would take an older tree or an added migration for built already.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    touch src/lib.rs src/main.rs \
    && cargo build --locked --release --bin provost \
    && cp target/release/provost /usr/local/bin/provost

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner 10001 --group 10001 /files \
    && useradd --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin provost
COPY --from=build /usr/local/bin/provost /usr/local/bin/provost
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/provost/
# By number, so that an orchestrator sees that it is not root.
USER 10001:10001
# All addresses of the container; what the host publishes is the host's choice. PROVOST_PUBLIC_URL says where clients reach it.
ENV PROVOST_LISTEN=0.0.0.0:8080
# Content has a port of its own, which is another origin; PROVOST_CONTENT_URL says where browsers reach it.
ENV PROVOST_CONTENT_LISTEN=0.0.0.0:8081
EXPOSE 8080 8081
ENV PROVOST_FILES=/files
VOLUME /files
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["provost", "doctor", "--health"]
ENTRYPOINT ["provost"]
CMD ["serve"]
