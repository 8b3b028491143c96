# syntax=docker/dockerfile:1
# recirc as a service. Wheels only, from uv.lock: no compiler anywhere, no build tools in what runs.
# Pinned by digest: a tag may be given to another image. How to move it: docs/operating.md, "Upgrade".
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/recirc \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
# The same uv as in the Makefile and in uv.lock.
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: uv==0.13.9
WORKDIR /src
# The dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --no-build --no-install-project \
    && UV_PROJECT_ENVIRONMENT=/opt/build uv sync --frozen --only-group build --no-build
COPY README.md LICENSE cli.py ./
COPY hashing hashing
COPY service service
RUN /opt/build/bin/python -m hatchling build -t wheel -d /wheel \
    && uv pip install --python /opt/recirc/bin/python --offline --no-deps /wheel/*.whl \
    && install -d -m 0700 /empty

# What runs: the same Python, the environment, and nothing that was needed to make it. There is no RUN
# below and no command in shell form, so that it works in a base without a shell as well.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
COPY --from=build /opt/recirc /opt/recirc
COPY --from=build --chown=10001:10001 /empty /data
ENV PATH=/opt/recirc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RECIRC_DB=/data/recirc.db \
    RECIRC_HOST=0.0.0.0 \
    RECIRC_LOG=json
USER 10001:10001
# Only the database and its index files are written: --read-only works, with a volume here.
VOLUME /data
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('RECIRC_PORT', '8000') + '/livez', timeout=4)"]
# It listens on all addresses of the container, and refuses to without an API key. So first:
#   docker run --rm --read-only -v recirc:/data recirc recirc keys create first --scope admin
# and then (compose.yaml has all that belongs to it):
#   docker run --read-only -v recirc:/data -p 127.0.0.1:8000:8000 --stop-timeout 25 recirc
# Any other command works as well: docker run --rm -i -v recirc:/data recirc recirc check - < clip.mp4
CMD ["recirc", "serve"]
