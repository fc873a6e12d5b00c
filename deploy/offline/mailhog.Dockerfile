# MailHog's stand-in: the mail catcher of the embedded stack, on MailHog's ports. Built from the repository's root.

FROM offline-python
ARG PIP_INDEX_URL
ENV UV_SYSTEM_CERTS=1
RUN pip install --no-cache-dir uv==0.13.8 \
 && apt-get -q update && apt-get -q install busybox && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/bin/busybox /usr/local/bin/wget \
 && useradd --uid 1000 mailhog
WORKDIR /mailhog
COPY requirements.lock ./
RUN uv pip install --no-cache --system --constraint requirements.lock aiosmtpd litestar uvicorn
COPY deploy/__init__.py deploy/
COPY deploy/embedded/__init__.py deploy/embedded/mailbox.py deploy/embedded/mailcatcher.py deploy/embedded/
RUN printf 'host = "0.0.0.0"\nport = 8025\nsmtp_port = 1025\n' > settings.toml
ENV SETTINGS_FILE=/mailhog/settings.toml
USER mailhog
EXPOSE 1025 8025
ENTRYPOINT ["python", "-m", "deploy.embedded.mailcatcher"]
