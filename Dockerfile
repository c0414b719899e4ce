# The images of compose.yaml. They were linted, but not built where they were written: no Docker was at hand.

# The local stack's own parts: identity provider, shop, Cosmos DB stand-in, and what prepares the others.
FROM python:3.11.14-slim-bookworm AS tools
WORKDIR /stack
COPY constraints.txt requirements.txt requirements-dev.txt ./
RUN pip install --no-cache-dir -r requirements-dev.txt -c constraints.txt \
    && install -d -o 10001 -g 10001 /data \
    && install -o 10001 -g 10001 /dev/null /data/.owner
COPY function_app.py host.json ./
COPY functions functions
COPY shared shared
COPY dev dev
# A new volume takes the owner of the folder that it covers first; with a file in it, it is not new to the next image.
USER 10001:10001
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["python", "-m", "dev"]

# The function app in Microsoft's image. Azure does not use it: Flex Consumption takes the package that azd makes.
FROM mcr.microsoft.com/azure-functions/python:4-python3.11 AS app
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    ASPNETCORE_URLS=http://+:24071
COPY constraints.txt requirements.txt /tmp/requirements/
# The host writes below its own folder and HOME; as root it could write anywhere. Port 80 would need root, too.
RUN pip install --no-cache-dir -r /tmp/requirements/requirements.txt -c /tmp/requirements/constraints.txt \
    && install -d -o 10001 -g 10001 /data /home /azure-functions-host/Secrets
WORKDIR /home/site/wwwroot
COPY function_app.py host.json requirements.txt ./
COPY functions functions
COPY shared shared
USER 10001:10001
EXPOSE 24071
