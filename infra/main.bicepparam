// Every parameter comes from the azd environment: `azd env set NAME VALUE`.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param stage = readEnvironmentVariable('COPILOT_STAGE', 'dev')
param privateNetwork = readEnvironmentVariable('COPILOT_PRIVATE_NETWORK', 'by-stage')
param entraAudience = readEnvironmentVariable('ENTRA_AUDIENCE')
param entraClientId = readEnvironmentVariable('ENTRA_CLIENT_ID', '')
param entraSignInDirectory = readEnvironmentVariable('ENTRA_SIGN_IN_DIRECTORY', 'organizations')
param customDomain = readEnvironmentVariable('COPILOT_DOMAIN', '')
param wrappedDataKey = readEnvironmentVariable('WRAPPED_DATA_KEY', '')
param alertEmail = readEnvironmentVariable('COPILOT_ALERT_EMAIL', '')
param budgetFrom = readEnvironmentVariable('COPILOT_BUDGET_FROM')
