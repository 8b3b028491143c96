# syntax=docker/dockerfile:1
# recirc as a service. Wheels only, from uv.lock: no compiler anywhere, no build tools in what runs.
FROM python:3.12-slim-bookworm AS build
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
    && uv pip install --python /opt/recirc/bin/python --offline --no-deps /wheel/*.whl

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent recirc \
    && install -d -o recirc -g recirc /data
COPY --from=build /opt/recirc /opt/recirc
ENV PATH=/opt/recirc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RECIRC_DB=/data/recirc.db
USER recirc
# Only the database is written: --read-only works, with a volume here.
VOLUME /data
WORKDIR /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('RECIRC_PORT', '8000') + '/livez', timeout=4)"]
# Without API keys recirc listens on loopback only, which is this container's own: publishing a port
# (-p) reaches nothing. Until there are keys, share the network namespace of what calls it:
#   docker run --read-only --network container:my-app -v recirc:/data recirc
# (in Kubernetes: a sidecar in the caller's pod), or, on a machine of its own, --network host.
# Any other command works as well: docker run --rm -i -v recirc:/data recirc recirc check - < clip.mp4
CMD ["recirc", "serve"]
